package keyfitotel

import (
	"net/http"

	"go.opentelemetry.io/otel/propagation"
)

// propagate returns the middleware that writes the context of an attempt into its header.
func propagate(p propagation.TextMapPropagator) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper { return propagating{p, next} }
}

type propagating struct {
	propagator propagation.TextMapPropagator
	next       http.RoundTripper
}

func (t propagating) RoundTrip(req *http.Request) (*http.Response, error) {
	out := *req // RoundTrip must not change the request
	out.Header = req.Header.Clone()
	t.propagator.Inject(req.Context(), newFields{propagation.HeaderCarrier(out.Header)})
	return t.next.RoundTrip(&out)
}

// CloseIdleConnections is found by [http.Client.CloseIdleConnections].
func (t propagating) CloseIdleConnections() {
	(&http.Client{Transport: t.next}).CloseIdleConnections()
}

// newFields writes only the fields that a header lacks: the key is in one of those that it has.
type newFields struct{ propagation.HeaderCarrier }

func (c newFields) Set(name, value string) {
	if _, there := c.HeaderCarrier[http.CanonicalHeaderKey(name)]; !there {
		c.HeaderCarrier.Set(name, value)
	}
}
