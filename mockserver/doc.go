// Package mockserver implements five key-protected HTTP APIs (imin, MindKey, IMKIT,
// Optimove, iiniit) as they behave when the key is missing, wrong, expired,
// revoked, rotated or used too often.
//
// # In a test
//
//	srv := mockserver.New(t)                  // closes with the test
//	key := srv.Keys().Issue(mockserver.IMKIT) // the value is available only here
//	client := sdk.New(srv.BaseURL(mockserver.IMKIT), key.Secret.Reveal())
//
// BaseURL opens a loopback listener at its first use; Client trusts its
// certificate under WithTLS. Transport serves the same in memory, also inside
// a testing/synctest bubble, and for the vendors' real hosts. ServeHTTP and
// Handler serve wherever an http.Handler fits. Two servers share nothing, so
// tests can run in parallel.
//
// # Time
//
// Key lifetimes, rate-limit windows, tokens, last-used times, the journal and
// injected delays all read one Clock. On a frozen clock time passes only by
// Advance.
//
//	srv.Clock().Freeze(at)
//	srv.Clock().Advance(365 * 24 * time.Hour) // MindKey keys are refused from now on
//	srv.Clock().Run(60)                       // a minute each second
//
// # Keys
//
// Keys.Issue, Rotate (with an overlap; it never extends a lifetime), Revoke and
// Expire take options for what a vendor's panel offers: Named, Scopes
// (MindKey), Access and Contact (Optimove), ClientKey (IMKIT's client key with
// a user token), Bearer (iiniit). OAuth is iiniit's authorization server.
//
// Keys have the vendor's own shape and a hidden checksum. A string that no mock
// issued is refused as not_a_mock_key, reported in the test's log and
// recorded nowhere: it may be a production key. Raw imports a value that a test
// suite already uses. The server stores SHA-256 sums and fingerprints only, and
// a Secret prints as [redacted].
//
// # Why a request was refused
//
// Response bodies are the vendor's. The X-Mock-Diagnosis header, the journal
// and the log say why a request was refused, in a sentence that never quotes a
// credential:
//
//	wrong_header: sent `X-API-KEY`; MindKey wants `Authorization: ApiKey-v2 ...`
//
// Keys.Verify says the same of a request that is not sent. Where a vendor
// documents nothing, the mock chooses: Assumptions lists every choice,
// WithProfile and SetProfile change it. OpenAPI returns the vendor's interface
// as a document.
//
// # Limits
//
// Limits apply per key, with the vendors' documented numbers and windows. A
// refused request neither consumes quota nor moves a window, and a client that
// waits the announced time is admitted.
//
//	srv.Limit(mockserver.IMKIT, mockserver.Limit{Requests: 3, Per: time.Minute})
//	srv.Keys().Issue(mockserver.IMKIT, mockserver.LimitTo(mockserver.Limit{})) // no limit
//
// # Faults
//
// Inject makes requests fail as a client would see it: delays, statuses, real
// connection resets, truncated and endless bodies, stalls. When limits how
// often. A client that does not finish its request loses its connection after a
// time that WithTimeouts sets.
//
//	srv.Inject(mockserver.Match{Path: "/admin/*"}, mockserver.Status(503, ""), mockserver.First(2))
//	srv.Inject(mockserver.Match{}, mockserver.ResetBefore(), mockserver.FreshConnectionOnly())
//
// # OAuth
//
// iiniit's mock is also an OAuth 2.0 authorization server: code flow with PKCE,
// refresh with rotation, client credentials, revocation, introspection. OAuth
// registers clients, answers for the user and ends tokens:
//
//	client, err := srv.OAuth().Register(mockserver.OAuthClient{RedirectURIs: []string{"http://localhost/cb"}})
//	srv.OAuth().ExpireAll(mockserver.KindBearer)     // forces a refresh
//
// # Data
//
// The initial data of a vendor's mock is generated from the seed; clients change
// it over the vendor's API. Collections lists it, SetData replaces it:
//
//	err := srv.SetData(mockserver.IMKIT, "users", []json.RawMessage{[]byte(`{"_id":"ann"}`)})
//	users, err := srv.Data(mockserver.IMKIT, "users")
//
// imin's sessions and slots and Optimove's campaigns are not stored: they are
// derived from the stored schedules, facilities and customers, the seed and the
// clock.
//
// # What arrived
//
//	srv.Expect(t, mockserver.Match{Outcome: mockserver.RateLimited}, 1)
//	exchanges, err := srv.WaitFor(ctx, mockserver.Match{Provider: mockserver.IMKIT}, 10)
//
// A request is in the journal before its client can see a response, and a
// delayed one from its arrival on. The journal is bounded; Counts stays exact.
// Credentials are redacted when an entry is written, in headers, query, path
// and body, also if they are encoded or split.
//
// # Namespaces
//
// A Server embeds its default Namespace. InNamespace makes others, each with
// its own clock, keys, limits, faults, data and journal; a request belongs to
// the namespace whose key it carries.
//
// # As a program
//
// Start is New without a test, and Shutdown is Close with time for requests to
// finish. ListenAdmin serves the admin API, which offers all of the above to
// other languages; WithStateFile keeps keys, clocks, limits, faults and data
// over a restart. The command is keyfit mock.
package mockserver
