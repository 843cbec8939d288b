package keyfit

import (
	"context"
	"net/http"
	"time"

	"github.com/keyfit/keyfit/internal/problem"
)

// CallEvent describes a call that begins or has ended, whatever number of attempts it took.
type CallEvent struct {
	Provider, Method, Path string        // Path is without query
	Origin                 string        // where Path is: "https://api.example:443", the port always given
	Route                  string        // see [WithRoute]; "" if nobody has named it
	StatusCode             int           // of the last response; 0 if none came, or at the beginning
	Attempts               int           // 0 at the beginning
	KeyFingerprint         string        // of the last attempt; "" at the beginning
	RequestID              string        // the provider's id of the exchange; "" if it gave none
	Duration               time.Duration // to the end of the body of a typed call, to the headers of a raw request
	Err                    error         // that the call returns; for a raw request, an error status is none
}

// WithRoute names the operation of a call for hooks and log: the method and the template of the
// path, "GET /rooms/{room}", without the IDs that a path has. The typed clients name their own.
// For a raw request see [ContextWithRoute]. An empty name is an error.
func WithRoute(route string) CallOption {
	return callOption(func(c *callConfig) error {
		if route == "" {
			return errNoRoute
		}
		c.route = route
		return nil
	})
}

type routeKey struct{}

// ContextWithRoute returns a context that names the operation of the requests made with it, as
// [WithRoute] does: for [Client.Do], and for generated clients over [Client.HTTPClient].
func ContextWithRoute(ctx context.Context, route string) context.Context {
	return context.WithValue(ctx, routeKey{}, route)
}

// routeName returns the name of the call's operation.
func (k *call) routeName() string {
	if k.typed != nil && k.typed.route != "" {
		return k.typed.route
	}
	route, _ := k.Value(routeKey{}).(string)
	return route
}

// starts reports a call that begins. What the hook returns is the call's context.
func (k *call) starts() {
	hook := k.client.obs.hooks.CallStart
	if hook == nil {
		return
	}
	if ctx := hook(k.Context, k.event()); ctx != nil {
		k.Context, k.unused = ctx, nil // the request that is prepared has the caller's context
	}
}

// ends reports a call that has ended, and returns its error. h is the header of the response; nil
// if there is none.
func (k *call) ends(h http.Header, err error) error {
	hook := k.client.obs.hooks.Call
	if hook == nil {
		return err
	}
	e := k.event()
	e.StatusCode, e.Attempts, e.KeyFingerprint, e.Err = k.status, k.attempts, k.fingerprint(), err
	e.Duration = k.client.clock.Now() - k.began
	if h != nil {
		e.RequestID = k.client.provider.requestID(h, problem.Problem{}, k.redactor())
	}
	hook(k.Context, e)
	return err
}

func (k *call) event() CallEvent {
	return CallEvent{Provider: k.client.provider.Name, Method: k.method, Path: k.redactor().Text(k.path()), Origin: k.client.origin, Route: k.routeName()}
}

// attemptStarts reports an attempt that is about to be sent. What the hook returns is the context
// of the attempt; other reports whether it is another one than the call's.
func (k *call) attemptStarts() (ctx context.Context, other bool) {
	hook := k.client.obs.hooks.AttemptStart
	if hook == nil {
		return k.Context, false
	}
	ctx = hook(k.Context, AttemptEvent{
		Provider: k.client.provider.Name, Method: k.method, Path: k.redactor().Text(k.path()), Origin: k.client.origin, Route: k.routeName(),
		Number: k.attempts, Generation: k.generation(), KeyFingerprint: k.fingerprint(),
	})
	if ctx == nil {
		return k.Context, false
	}
	return ctx, true
}
