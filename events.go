package keyfit

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

// Hooks are functions that the client calls for its events. A nil hook is not called. Hooks
// run on the goroutine of the call, concurrently for concurrent calls, and should return
// quickly. No event contains a key, a query or a body.
type Hooks struct {
	// CallStart is called before each call, and Call after it, once whatever number of attempts
	// it took: after a typed call has decoded its response or failed, after a raw request has got
	// the headers of its response or failed. A call whose arguments are wrong makes no event. The
	// context that CallStart returns is that of the call, as for a span, and must be derived from
	// the one given; nil changes nothing. Call gets the same.
	CallStart func(context.Context, CallEvent) context.Context
	Call      func(context.Context, CallEvent)
	// AttemptStart is called before each attempt is sent, with what is known then; the context
	// that it returns is that of the attempt, as for CallStart.
	AttemptStart func(context.Context, AttemptEvent) context.Context
	// Attempt is called after each attempt, including one that follows a redirect.
	Attempt func(context.Context, AttemptEvent)
	// Wait is called before the client waits: for the gate, or between attempts.
	Wait func(context.Context, WaitEvent)
	// Key is called for every event of the keyring, one at a time and in the order in which
	// the keys changed, on a goroutine that uses the ring. It must not block. The client
	// passes it to the ring that it creates; it has no effect on a ring that is given with
	// [WithSource], or that [Client.With] takes over. Such a ring calls the hook that it was
	// created with.
	Key func(KeyEvent)
}

// AttemptEvent describes one attempt: a request that was sent, or that could not be sent.
type AttemptEvent struct {
	Provider, Method, Path string // Path is without query
	Origin                 string // where Path is: "https://api.example:443", the port always given
	Route                  string // see [WithRoute]; "" if nobody has named it
	Number                 int    // 1 for the first attempt of a call
	StatusCode             int    // 0 if no response came
	Refusal                string // why the provider refuses: the JSON name of the count in [Refusals]; "" if it does not
	Generation             uint64 // of the key used, in the ring it came from
	KeyFingerprint         string
	RequestID              string
	Duration               time.Duration // until the headers of the response arrived
	Err                    error         // why no response came; nil if one did
}

// WaitEvent describes a wait that begins.
type WaitEvent struct {
	Provider, Method, Path string
	Route                  string // see [WithRoute]; "" if nobody has named it
	Reason                 WaitReason
	Duration               time.Duration // its expected length
	Source                 string        // where the server's hint was ("Retry-After"); "" if there was none
	Dropped                []string      // implausible hints: where they were, and why they were dropped
	StatusCode             int           // of the response that caused it; 0 if none did
}

// observer passes events to the hooks and the log. The zero observer does nothing.
type observer struct {
	hooks Hooks
	log   *slog.Logger
}

// wantsAttempts and wantsWaits report whether anybody receives the events, so a call can
// skip building them.
func (obs *observer) wantsAttempts() bool { return obs.log != nil || obs.hooks.Attempt != nil }
func (obs *observer) wantsWaits() bool    { return obs.log != nil || obs.hooks.Wait != nil }

func (obs *observer) attempt(ctx context.Context, e AttemptEvent) {
	if obs.hooks.Attempt != nil {
		obs.hooks.Attempt(ctx, e)
	}
	if obs.log == nil {
		return
	}
	level, attrs := slog.LevelDebug, []slog.Attr{
		slog.String("provider", e.Provider), slog.String("method", e.Method), slog.String("path", e.Path),
		slog.Int("attempt", e.Number), slog.Int("status", e.StatusCode), slog.Duration("duration", e.Duration),
		slog.String("key", e.KeyFingerprint), slog.Uint64("generation", e.Generation),
	}
	if e.Route != "" {
		attrs = append(attrs, slog.String("route", e.Route))
	}
	if e.RequestID != "" {
		attrs = append(attrs, slog.String("request_id", e.RequestID))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", e.Err.Error()))
	}
	if e.Err != nil || e.StatusCode >= http.StatusInternalServerError || e.StatusCode == http.StatusTooManyRequests {
		level = slog.LevelWarn
	}
	obs.log.LogAttrs(ctx, level, "attempt", attrs...)
}

func (obs *observer) wait(ctx context.Context, e WaitEvent) {
	if obs.hooks.Wait != nil {
		obs.hooks.Wait(ctx, e)
	}
	if obs.log == nil {
		return
	}
	attrs := []slog.Attr{
		slog.String("provider", e.Provider), slog.String("method", e.Method), slog.String("path", e.Path),
		slog.String("reason", string(e.Reason)), slog.Duration("duration", e.Duration), slog.Int("status", e.StatusCode),
	}
	if e.Source != "" {
		attrs = append(attrs, slog.String("source", e.Source))
	}
	if len(e.Dropped) > 0 {
		attrs = append(attrs, slog.Any("dropped", e.Dropped))
	}
	obs.log.LogAttrs(ctx, slog.LevelInfo, "wait", attrs...)
}

func (obs *observer) key(e KeyEvent) {
	if obs.hooks.Key != nil {
		obs.hooks.Key(e)
	}
	if obs.log != nil {
		e.log(obs.log)
	}
}
