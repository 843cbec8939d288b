// Package keyfitotel exports what keyfit's clients do to OpenTelemetry: traces and metrics. An
// [Observer] is made of the hooks of keyfit:
//
//	observer, err := keyfitotel.New()
//	client, err := keyfit.New(keyfit.IMKIT("your-app"), observer.Options()...)
//	err = observer.Observe("billing", client)
//
// # Traces
//
// A call is a span of kind internal, from its begin to its end with all waits. Each attempt is a
// child of kind client, by the semantic conventions of HTTP, with http.request.resend_count from
// the second one on. Events of the call's span are keyfit.wait (for the gate, a backoff or a key),
// keyfit.refusal, and keyfit.key.swap, which says that an attempt has another key than the one
// before.
//
// # Metrics
//
// http.client.request.duration is of each attempt, by the semantic conventions, and
// keyfit.client.call.duration of each call. keyfit.client.key.events counts the events of keyrings. The
// others are read from [keyfit.Client.Stats] and the status of the keyring of each client that
// [Observer.Observe] was given; docs/observability.md lists them.
//
// # What is never there
//
// No span and no metric has a key, a query, a body, or a header but the request ID. A key appears as its fingerprint,
// and only in spans. The trace context does not go to the provider, which is somebody else's,
// unless [WithPropagation] says so.
//
// The package is a separate module, so that other programs do not depend on OpenTelemetry. It uses
// the API only, and does nothing until the program has set up the SDK.
package keyfitotel
