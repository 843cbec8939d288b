// Package keyring decides which key of an account a call is sent with, and what a refusal
// of that key means. It is the engine behind keyfit.Keyring.
//
// The engine never sees a secret. It knows a key by its fingerprint and dates ([Key]); the
// key material is opaque to it and only handed back. Errors that reach it have been redacted.
//
// # The states of a key
//
// A [Ring] holds a [Set]: one current key, at most one previous key, at most one candidate.
// A set never changes once it is published; a transition publishes a changed copy, so
// whoever loads the set sees one state and no mixture. The arrows are the methods of Set,
// and each of them is an [Event]:
//
//	            stage              verify              promote
//	source ──────────▶ Staged ─────────────▶ Verified ──────────▶ Current
//	                    │  ▲                    ▲                  │  ▲
//	             reject │  │ restage            │ verify   promote │  │ promote (roll back),
//	                    ▼  │                    │                  ▼  │ demote
//	                   Rejected ────────────────┘                 Previous
//	                    ▲                                          │
//	                    └── demote, of what was current            │ retire
//	                                                               ▼
//	                                                             Retired
//
// A key is staged when the source newly offers it, and verified when two probes in a row
// accepted it. A rejected one is probed again later; restage treats it as new if the
// source offers it under another version. discard drops a candidate that the source does
// not offer any more. A candidate is promoted from any state if there is nothing to lose:
// without a probe, after a refusal of the current key, while the circuit is not closed.
//
// prefer makes the previous key the first one to try for two seconds, because the provider
// accepted it and not the current one; the third refusal in a row of the current key, with
// the previous one accepted, demotes it. The previous key is retired when its grace period
// is over and no attempt is in flight with it.
//
// # The circuit
//
// The circuit keeps calls from a provider that refuses every key. The arrows are
// the methods of circuit, but for trip and reset, which are methods of Ring:
//
//	         trip: 20 refusals in a row, or, where
//	         calls wait, the first of the current key
//	Closed ─────────────────────────────────────────▶ Open ◀─────────────────┐
//	  ▲                                                │                      │ trialFailed,
//	  │                                                │ beginTrial:          │ no other trial
//	  │ reset: a trial request was accepted,           │ one call tries,      │ is out
//	  │ or, where calls do not wait, another           ▼ when retryAt is due  │
//	  └─────────────────────────────────────────── HalfOpen ─────────────────┘
//	                                                ▲    │ beginTrial: the trial request
//	                                                └────┘ stalls, the refusal is in doubt,
//	                                                       or the key has changed
//
// A trial request that hangs, or whose response is lost, costs no call but its own: a waiting call
// sends another one after a quarter of the time that it had left, or that its attempts may take,
// twice as late for each that is out; a key that was promoted meanwhile is tried at once; and a lost
// response makes the next one due at once, if it is the first in a row.
//
// A refusal counts if it says something about what works now. That of a key which was replaced
// while the attempt was in flight says nothing, unless neither that key nor the one that the
// source offered instead has ever been accepted: a source that always has another key does not
// keep the circuit closed. If such refusals trip it, the new key is tried at once (keyOffered).
//
// Calls wait for a key in three ways. With Config.Wait they do so for long, whatever the key, each
// for its own time. With Config.Moment alone they do so from the refusal that trips the circuit
// until circuit.until, for all calls the same, and only where a successor is likely
// (Ring.mayComeAnew). endMoment ends that: waiting calls fail, and the circuit closes or, after
// twenty refusals, stays open. Otherwise they do not wait.
//
// keyChanged makes the next trial request due at once, and the delays begin anew. keyOffered
// does so for a key of the source, but not each time, and each time from a longer delay: a
// source that always has another key undoes no backoff. A key that came too early is due a
// second after the one before, or when the trial request ends that was out then, unless it was
// refused with that key. Where calls do not wait for a key, a call waits for the trial of a key
// that came just now (untriedKey), and fails at once else (refusedKey); a key that was set by
// hand resets the circuit.
//
// # The path of a call
//
// In the steady state a call loads the set, picks a key and reports the result:
//
//	set := ring.Load()
//	if set.AtRest() { g := set.Pick(true); g.Begin(); …; ring.Accepted(g, sent, route); g.End(sent) }
//
// These take no lock and allocate nothing. A call that meets an obstacle (a refusal, a
// circuit that is not closed, a ring that is not at rest) makes a [Turn], which holds what
// the ring knows about that one call.
//
// # Locks
//
// Ring.mu serialises the changes of the set and guards all that is not atomic. It is held
// for computations only, never over a call of Ask, Probe or Event, and each method that
// takes it releases it. A method whose comment says "mu is held" neither takes nor releases
// it. Events are recorded under mu, in the order of the changes, and reported without it.
package keyring
