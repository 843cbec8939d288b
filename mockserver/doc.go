// Package mockserver plays five key-protected HTTP APIs (imin, MindKey, IMKIT,
// Optimove, iiniit) as they behave when the key is missing, wrong, expired,
// revoked, rotated or used too often.
//
// # In a test
//
//	srv := mockserver.New(t)                         // closes with the test
//	key := srv.Keys().Issue(mockserver.IMKIT)        // the value is to be had here only
//	client := sdk.New(srv.BaseURL(mockserver.IMKIT), key.Secret.Reveal())
//
// BaseURL opens a loopback listener at its first use. Transport serves the
// same in memory, also inside a testing/synctest bubble, for the vendors' real
// hosts; ServeHTTP and Handler serve wherever an http.Handler fits.
//
// # Time
//
// Everything reads one Clock: lives, windows, last-used, journal, delays.
//
//	srv.Clock().Advance(365 * 24 * time.Hour)        // MindKey keys are refused from now on
//	srv.Clock().Freeze(at); srv.Clock().Run(60)
//
// # Keys
//
// Keys.Issue, Rotate (with an overlap; it never extends a life), Revoke and
// Expire. Keys are made in the vendor's own shape around a hidden checksum, so
// a string that no mock ever made is refused as not_a_mock_key, reported
// loudly and recorded nowhere: it may be a production key. At rest there are
// SHA-256 sums only, and a Secret prints as [redacted].
//
// # Why was it refused
//
// Bodies are the vendor's. The reason stands in the header X-Mock-Diagnosis,
// in the journal and in the log, in a sentence that never holds a value:
//
//	wrong_header: sent `X-API-KEY`; MindKey wants `Authorization: ApiKey-v2 ...`
//
// Where a vendor documents nothing the mock chooses; Assumptions lists every
// choice, WithProfile changes it.
//
// # Limits and faults
//
//	srv.Limit(mockserver.IMKIT, mockserver.Limit{Requests: 3, Per: time.Minute})
//	srv.Inject(mockserver.Match{Path: "/admin/*"}, mockserver.Status(503, ""), mockserver.First(2))
//
// Limits hold per key. A refused request neither consumes nor moves a window.
//
// # What arrived
//
//	srv.Expect(t, mockserver.Match{Outcome: mockserver.RateLimited}, 1)
//	srv.WaitFor(ctx, mockserver.Match{Provider: mockserver.IMKIT}, 10)
//
// The journal is bounded; Counts stays exact. Credentials are redacted when an
// entry is written: headers, query, path and body.
//
// # Several worlds
//
// A Server embeds its default Namespace. InNamespace makes others, with clock,
// keys, limits, faults, data and journal of their own; a request belongs to
// the namespace whose key it carries.
package mockserver
