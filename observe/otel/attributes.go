package keyfitotel

import (
	"net"
	"net/http"
	"net/url"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"

	"github.com/keyfit/keyfit"
)

// The attributes of keyfit's own.
func providerName(name string) attribute.KeyValue { return attribute.String("keyfit.provider", name) }
func clientName(name string) attribute.KeyValue   { return attribute.String("keyfit.client", name) }
func fingerprint(of string) attribute.KeyValue {
	return attribute.String("keyfit.key.fingerprint", of)
}

func previousFingerprint(of string) attribute.KeyValue {
	return attribute.String("keyfit.key.previous_fingerprint", of)
}

func refusalCause(cause string) attribute.KeyValue {
	return attribute.String("keyfit.refusal.cause", cause)
}

func waitReason(why string) attribute.KeyValue { return attribute.String("keyfit.wait.reason", why) }
func attempt(n int) attribute.KeyValue         { return attribute.Int("keyfit.attempt", n) }

// Those of the semantic conventions.
func errorType(kind string) attribute.KeyValue { return semconv.ErrorTypeKey.String(kind) }
func statusCode(code int) attribute.KeyValue   { return semconv.HTTPResponseStatusCode(code) }
func resent(count int) attribute.KeyValue      { return semconv.HTTPRequestResendCount(count) }

// request describes a request. path has no query.
func request(method, origin, path, route string) []attribute.KeyValue {
	known := knownMethod(method)
	attrs := append(server(origin), semconv.HTTPRequestMethodKey.String(known), semconv.URLFull(shortOrigin(origin)+path))
	if known != method {
		attrs = append(attrs, semconv.HTTPRequestMethodOriginal(method))
	}
	if route != "" {
		attrs = append(attrs, semconv.URLTemplate(template(route)))
	}
	return attrs
}

// server describes where a request goes.
func server(origin string) []attribute.KeyValue {
	u, err := url.Parse(origin)
	if err != nil {
		return nil
	}
	attrs := []attribute.KeyValue{semconv.ServerAddress(u.Hostname())}
	if port, err := strconv.Atoi(u.Port()); err == nil {
		attrs = append(attrs, semconv.ServerPort(port))
	}
	return attrs
}

// shortOrigin is an origin without the port that its scheme has anyway.
func shortOrigin(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	if host, port, err := net.SplitHostPort(u.Host); err == nil && (u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80") {
		u.Host = host
		if net.ParseIP(host) != nil && net.ParseIP(host).To4() == nil {
			u.Host = "[" + host + "]"
		}
	}
	return u.Scheme + "://" + u.Host
}

// knownMethod is the method if it is one of RFC 9110 or RFC 5789, else _OTHER: a caller's own words
// would make a series each.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return method
	}
	return "_OTHER"
}

// template is a route without its method.
func template(route string) string {
	for i := range len(route) {
		if route[i] == ' ' && knownMethod(route[:i]) != "_OTHER" {
			return route[i+1:]
		}
	}
	return route
}

// spanName is "GET /rooms/{id}", or the method alone if nobody has named the operation.
func spanName(prefix, method, route string) string {
	name := knownMethod(method)
	if name == "_OTHER" {
		name = "HTTP"
	}
	if route != "" {
		name += " " + template(route)
	}
	if prefix != "" {
		name = prefix + " " + name
	}
	return name
}

// ofCall are the attributes of the metric of calls.
func (o *Observer) ofCall(e keyfit.CallEvent, failed string) []attribute.KeyValue {
	attrs := append(server(e.Origin), providerName(e.Provider), semconv.HTTPRequestMethodKey.String(knownMethod(e.Method)))
	if failed != "" {
		attrs = append(attrs, errorType(failed))
	}
	if o.routes && e.Route != "" {
		attrs = append(attrs, semconv.URLTemplate(template(e.Route)))
	}
	return attrs
}

// ofAttempt are the attributes of the metric of attempts.
func (o *Observer) ofAttempt(e keyfit.AttemptEvent, failed string) []attribute.KeyValue {
	attrs := append(server(e.Origin), providerName(e.Provider), semconv.HTTPRequestMethodKey.String(knownMethod(e.Method)))
	if e.StatusCode > 0 {
		attrs = append(attrs, statusCode(e.StatusCode))
	}
	if failed != "" {
		attrs = append(attrs, errorType(failed))
	}
	if o.routes && e.Route != "" {
		attrs = append(attrs, semconv.URLTemplate(template(e.Route)))
	}
	return attrs
}
