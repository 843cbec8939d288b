// Package limiter decides when a request may be sent to a server that limits requests. It
// keeps a limit that is known, and learns one that is not.
//
// [Keyed] has one limiter for each [Key]. A request asks with [Keyed.TryEnter] or
// [Keyed.Enter] and gets a [Permit]; [Permit.Leave] reports its outcome. [Keyed.Stats] shows
// all that is kept, [Keyed.Reset] forgets what was learned. The package reads no headers: the
// caller passes plain numbers.
//
// A request is sent when all of these rules let it, in this order; docs/limits.md explains
// them to users:
//
//  1. Order (queue.go). First in, first out within a class. Probes go before calls, and calls
//     before batches, but after seven calls in a row it is a batch's turn.
//  2. Pause (pause.go). A server's hint is a pause for everybody and nothing else. Only the
//     first refusal of what was in flight together counts: a collision. A hint up to a minute
//     is kept to the letter; in a longer pause a trial goes out after a minute, then ever more
//     rarely. A good answer to what was sent after all that were refused ends any pause. A fault
//     pauses its own route (route.go).
//  3. In flight (concurrency.go). At most 8 at first, then more with each round trip. After a
//     collision one goes ahead, then two, and so on. A refusal at k in flight sets a ceiling of
//     k-1 for a while, and for longer each time that it is confirmed.
//  4. Quota (quota.go). What the headers say is left of the window that is, until it ends.
//  5. Published limit (passlog.go). At most n in any period, wherever it is laid. Nothing that
//     a server answers lowers or lifts it.
//  6. Window (window.go). What passed in the shortest usual window before a refusal. Single
//     requests doubt it within a budget that good answers earn.
//  7. Pace (pacer.go). Where collisions come at a steady rate, a bucket is empty after each:
//     what passes between two is its rate.
//
// Nobody waits in vain (wait.go). The latest time to send is the deadline less a long round
// trip (trips.go). Who cannot be sent by then is refused: at once if the published limit, a
// quota or a pause with its trials says so, else when his turn comes.
//
// Each limiter has one mutex, which is held for a few comparisons and never over I/O or a
// callback, and one timer. The engine takes the time as a parameter, so a simulation can run
// it without goroutines or a real clock; sim_test.go and world_test.go do.
package limiter
