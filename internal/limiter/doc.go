// Package limiter decides when a request may be sent to a server that limits requests. It
// keeps a limit that is known, and learns one that is not.
//
// [Keyed] has one limiter for each [Key]. A request asks with [Keyed.TryEnter] or
// [Keyed.Enter] and gets a [Permit]; [Permit.Leave] reports its outcome. [Keyed.Stats]
// shows the state. The package knows nothing of HTTP beyond status 429: the caller reads the
// server's hints and passes plain numbers.
//
// A request is checked against these rules, in this order:
//
//  1. Order (queue.go). No request overtakes waiting ones: first in, first out within a class.
//     Probes go before calls, and calls before batches, but after seven calls in a row it is
//     a batch's turn.
//  2. Pause (recovery.go). While the server has asked for a wait, no request is sent. Then
//     one pilot request is sent, and the others follow when it has passed.
//  3. Limit (window.go). At most n requests are sent in any period: a sliding window over a
//     log of arrivals. The headers of answers may allow less (headers.go). Where the server
//     has been found to fill a token bucket, that is kept in place of the window (bucket.go).
//  4. Concurrency (concurrency.go). While no limit is known, requests in flight are bounded by
//     slow start.
//
// A request that breaks one of them waits in the queue until one timer or the next response
// lets it go (wait.go). A wait that cannot end before the context's deadline or within
// MaxWait is refused, at once or as soon as that becomes clear. A request without a response
// counts as arrived after a second at most, and blocks no other from then on.
//
// A limit is learned from the headers, or else from refusals (refusals.go):
//
//   - The first 429 suggests a window: the shortest usual one that is longer than the hint.
//     What passed in it is the limit.
//   - A later 429 means one of nine things; see diagnosis, where they are listed in the order
//     in which they are tried. The 429s of requests that were in flight together are one.
//   - When the learned limit is used up, a request above it is risked now and then, to find a
//     limit that was raised (exploration.go). Such steps become rarer while they fail.
//   - After a pause, a pilot request may be sent before the window has turned by the log
//     (estimator.go). If it passes, a new window has begun.
//   - A steady rate behind a small burst is a token bucket (bucketsearch.go). Its fill rate is
//     searched for in steps that become smaller and rarer (bucket.go).
//   - A published limit is lowered by refusals for a while, and never exceeded. What was
//     learned is forgotten if it is not confirmed for 64 windows and at least ten minutes.
//
// Each limiter has one mutex, which is held for a few comparisons and never over I/O or a
// callback. The methods that decide take the time as a parameter, so a simulation can run
// them without goroutines or a real clock; sim_test.go does.
package limiter
