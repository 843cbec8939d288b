package keyfitotel

import (
	"errors"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/keyfit/keyfit"
)

// Option configures an [Observer].
type Option func(*config) error

type config struct {
	tracers    trace.TracerProvider
	meters     metric.MeterProvider
	propagator propagation.TextMapPropagator
	hooks      keyfit.Hooks
	routes     bool
}

// WithTracerProvider sets where spans go. The default is the global one of OpenTelemetry.
func WithTracerProvider(p trace.TracerProvider) Option {
	return func(c *config) error {
		if p == nil {
			return errors.New("keyfitotel: WithTracerProvider: the provider is nil")
		}
		c.tracers = p
		return nil
	}
}

// WithMeterProvider sets where metrics go. The default is the global one of OpenTelemetry.
func WithMeterProvider(p metric.MeterProvider) Option {
	return func(c *config) error {
		if p == nil {
			return errors.New("keyfitotel: WithMeterProvider: the provider is nil")
		}
		c.meters = p
		return nil
	}
}

// WithPropagation sends the context of the trace to the provider, in the header fields of p: for a
// provider of one's own that traces too. By default nothing is sent. Baggage goes along if p writes
// it, and may say more than another company should know. A field that the request has already is
// left as it is.
func WithPropagation(p propagation.TextMapPropagator) Option {
	return func(c *config) error {
		if p == nil {
			return errors.New("keyfitotel: WithPropagation: the propagator is nil")
		}
		c.propagator = p
		return nil
	}
}

// WithHooks sets hooks of the program's own, as a client has one set of hooks. They are called
// after those of the observer, with the context that has the span.
func WithHooks(h keyfit.Hooks) Option {
	return func(c *config) error { c.hooks = h; return nil }
}

// WithRoutes adds the name of the operation ([keyfit.WithRoute]) to the metrics of durations, as
// url.template. The typed clients name theirs, which are few. A program that puts IDs into names
// would get as many series.
func WithRoutes() Option {
	return func(c *config) error { c.routes = true; return nil }
}
