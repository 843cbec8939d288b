// Package mockserver plays five key-protected HTTP APIs (imin, MindKey, IMKIT,
// Optimove, iiniit) as they behave when the key is missing, wrong, expired,
// revoked, rotated or used too often.
//
// # In a test
//
//	srv := mockserver.New(t)                  // closes with the test
//	key := srv.Keys().Issue(mockserver.IMKIT) // its value is to be had here only
//	client := sdk.New(srv.BaseURL(mockserver.IMKIT), key.Secret.Reveal())
//
// BaseURL opens a loopback listener at its first use; Client trusts its
// certificate under WithTLS. Transport serves the same in memory, also inside
// a testing/synctest bubble, and for the vendors' real hosts. ServeHTTP and
// Handler serve wherever an http.Handler fits. Nothing is shared between two
// servers, so tests run in parallel.
//
// # Time
//
// Everything reads one Clock: lives, windows, tokens, last-used, journal and
// delays. On a frozen clock time passes by Advance only.
//
//	srv.Clock().Freeze(at)
//	srv.Clock().Advance(365 * 24 * time.Hour) // MindKey keys are refused from now on
//	srv.Clock().Run(60)                       // a minute each second
//
// # Keys
//
// Keys.Issue, Rotate (with an overlap; it never extends a life), Revoke and
// Expire, with options for what a vendor's panel offers: Named, Scopes
// (MindKey), Access and Contact (Optimove), ClientKey (IMKIT's client key with
// a user token), Bearer (iiniit). OAuth is iiniit's authorization server.
//
// Keys are made in the vendor's own shape around a hidden checksum. A string
// that no mock ever made is refused as not_a_mock_key, reported loudly and
// recorded nowhere: it may be a production key. Raw imports a value that a
// test suite holds already. At rest there are SHA-256 sums only, and a Secret
// prints as [redacted].
//
// # Why was it refused
//
// Bodies are the vendor's. The reason stands in the header X-Mock-Diagnosis,
// in the journal and in the log, in a sentence that never holds a value:
//
//	wrong_header: sent `X-API-KEY`; MindKey wants `Authorization: ApiKey-v2 ...`
//
// Keys.Verify tells it of a request that is not sent. Where a vendor documents
// nothing the mock chooses: Assumptions lists every choice, WithProfile and
// SetProfile change it. OpenAPI returns the vendor's interface as a document.
//
// # Limits
//
// Limits hold per key, by the vendors' documented numbers and windows. A
// refused request neither consumes nor moves a window, and whoever waits the
// announced time is let in.
//
//	srv.Limit(mockserver.IMKIT, mockserver.Limit{Requests: 3, Per: time.Minute})
//	srv.Keys().Issue(mockserver.IMKIT, mockserver.LimitTo(mockserver.Limit{})) // no limit
//
// # Faults
//
// Inject makes requests go wrong as a client would meet it: delays, statuses,
// real connection resets, cut and endless bodies, stalls. When says how often.
//
//	srv.Inject(mockserver.Match{Path: "/admin/*"}, mockserver.Status(503, ""), mockserver.First(2))
//	srv.Inject(mockserver.Match{}, mockserver.ResetBefore(), mockserver.FreshConnectionOnly())
//
// # OAuth
//
// iiniit's mock is an OAuth 2.0 authorization server too: code flow with PKCE,
// refresh with rotation, client credentials, revocation, introspection. OAuth
// registers clients, answers for the user and ends tokens:
//
//	client, err := srv.OAuth().Register(mockserver.OAuthClient{RedirectURIs: []string{"http://localhost/cb"}})
//	srv.OAuth().ExpireAll(mockserver.KindBearer)     // refresh, please
//
// # Data
//
// What a vendor's mock stores is made up from the seed; clients change it over
// the vendor's API. Collections lists it, SetData puts something else in:
//
//	err := srv.SetData(mockserver.IMKIT, "users", []json.RawMessage{[]byte(`{"_id":"ann"}`)})
//	users, err := srv.Data(mockserver.IMKIT, "users")
//
// imin's sessions and slots and Optimove's campaigns are not stored: they
// follow from the stored schedules, facilities and customers, seed and clock.
//
// # What arrived
//
//	srv.Expect(t, mockserver.Match{Outcome: mockserver.RateLimited}, 1)
//	exchanges, err := srv.WaitFor(ctx, mockserver.Match{Provider: mockserver.IMKIT}, 10)
//
// A request stands in the journal before its client can see an answer, and a
// delayed one from its arrival on. The journal is bounded; Counts stays exact.
// Credentials are redacted when an entry is written, in headers, query, path
// and body, also encoded or cut in pieces.
//
// # Several worlds
//
// A Server embeds its default Namespace. InNamespace makes others, with clock,
// keys, limits, faults, data and journal of their own; a request belongs to
// the namespace whose key it carries.
//
// # As a program
//
// Start is New without a test, and Shutdown is Close for those who have time.
// ListenAdmin serves the admin API, with which other languages do all of the
// above; WithStateFile keeps keys, clocks, limits, faults and data over a
// restart. The command is keyfit mock.
package mockserver
