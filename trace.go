package keyfit

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"net/textproto"

	"github.com/keyfit/keyfit/internal/redact"
)

// quietContext is the context of an attempt whose caller traces it with net/http/httptrace.
// net/http tells such a trace every header field that it writes, and a tracing library makes
// span attributes of them. In the place of the caller's trace this context has a copy that is
// told everything but the fields with the key.
//
// The copy takes the place of the trace that is in force, which is composed of all traces in
// the context. Only [context.Context.Value] can do that: httptrace adds hooks to those of a
// parent and removes none.
type quietContext struct {
	context.Context //nolint:containedctx // it is a context

	loud, quiet *httptrace.ClientTrace
}

func (qc quietContext) Value(name any) any {
	value := qc.Context.Value(name)
	if trace, ok := value.(*httptrace.ClientTrace); ok && trace == qc.loud {
		return qc.quiet
	}
	return value
}

// quietly returns the context of an attempt, for a trace that may be in ctx. It is ctx itself if
// there is none, or one without a hook for header fields.
//
// What a server has repeated of the key passes through redact: in the fields that net/http makes
// of a redirect or a cookie (Referer, Cookie, :path), and in interim responses (1xx).
func quietly(ctx context.Context, fields *keyFields, redactor func() redact.Redactor) (_ context.Context, quieted bool) {
	loud := httptrace.ContextClientTrace(ctx)
	if loud == nil || loud.WroteHeaderField == nil && loud.Got1xxResponse == nil {
		return ctx, false
	}
	quiet := *loud
	clean := redactor() // here, because the hooks run on goroutines of net/http
	if wrote := loud.WroteHeaderField; wrote != nil {
		quiet.WroteHeaderField = func(name string, values []string) {
			if !fields.has(name) {
				wrote(name, clean.Texts(values))
			}
		}
	}
	if got := loud.Got1xxResponse; got != nil {
		quiet.Got1xxResponse = func(code int, header textproto.MIMEHeader) error {
			return got(code, textproto.MIMEHeader(clean.Header(http.Header(header))))
		}
	}
	return quietContext{Context: ctx, loud: loud, quiet: &quiet}, true
}

// quietPool is the pool under middleware of the caller, which may add a trace to the context
// of the request with the key: OpenTelemetry's does.
type quietPool struct {
	pool   http.RoundTripper
	fields *keyFields
	memory *keyMemory
}

func (qp quietPool) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, quieted := quietly(req.Context(), qp.fields, func() redact.Redactor { return qp.memory.redactor(nil) })
	if !quieted {
		return qp.pool.RoundTrip(req)
	}
	resp, err := qp.pool.RoundTrip(req.WithContext(ctx))
	if resp != nil {
		resp.Request = req
	}
	return resp, err
}

// CloseIdleConnections is found by [http.Client.CloseIdleConnections].
func (qp quietPool) CloseIdleConnections() {
	(&http.Client{Transport: qp.pool}).CloseIdleConnections()
}
