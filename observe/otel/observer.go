package keyfitotel

import (
	"errors"
	"fmt"
	"sync"
	"unicode/utf8"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/keyfit/keyfit"
)

// scope names this package to OpenTelemetry.
const scope = "github.com/keyfit/keyfit/observe/otel"

// Observer makes spans and metrics of what clients do. One serves all clients of a program. Create
// it with [New]. It is safe for concurrent use.
type Observer struct {
	config

	tracer    trace.Tracer
	durations *durations
	readings  *readings
	stop      metric.Registration

	mu      sync.Mutex
	clients map[string]*keyfit.Client
}

// New returns an observer. It is an error if an option has no value, or if the meter provider
// refuses an instrument.
func New(opts ...Option) (*Observer, error) {
	o := &Observer{config: config{tracers: otel.GetTracerProvider(), meters: otel.GetMeterProvider()}, clients: make(map[string]*keyfit.Client)}
	for _, opt := range opts {
		if opt == nil {
			return nil, errors.New("keyfitotel: an option is nil")
		}
		if err := opt(&o.config); err != nil {
			return nil, err
		}
	}
	o.tracer = o.tracers.Tracer(scope, trace.WithInstrumentationVersion(keyfit.Version), trace.WithSchemaURL(semconv.SchemaURL))
	meter := o.meters.Meter(scope, metric.WithInstrumentationVersion(keyfit.Version), metric.WithSchemaURL(semconv.SchemaURL))
	var err error
	if o.durations, err = newDurations(meter); err != nil {
		return nil, fmt.Errorf("keyfitotel: %w", err)
	}
	if o.readings, err = newReadings(meter); err != nil {
		return nil, fmt.Errorf("keyfitotel: %w", err)
	}
	if o.stop, err = meter.RegisterCallback(o.read, o.readings.all...); err != nil {
		return nil, fmt.Errorf("keyfitotel: %w", err)
	}
	return o, nil
}

// Options returns the options of [keyfit.New] that make a client tell the observer what it does.
func (o *Observer) Options() []keyfit.Option {
	opts := []keyfit.Option{keyfit.WithHooks(o.Hooks())}
	if o.propagator != nil {
		opts = append(opts, keyfit.WithMiddleware(propagate(o.propagator)))
	}
	return opts
}

// Observe adds a client, whose counts and keys become metrics with its name. It is an error if the
// client is nil, if the name is empty or not valid UTF-8, or if another client has it. The
// observer keeps the client until [Observer.Forget].
func (o *Observer) Observe(name string, c *keyfit.Client) error {
	switch {
	case c == nil:
		return errors.New("keyfitotel: the client is nil")
	case name == "" || !utf8.ValidString(name):
		return fmt.Errorf("keyfitotel: %q is no name of a client: it must be UTF-8 and not empty", name)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, taken := o.clients[name]; taken {
		return fmt.Errorf("keyfitotel: there is a client %q already: a name tells two clients apart", name)
	}
	o.clients[name] = c
	return nil
}

// Forget removes the client of a name, if there is one.
func (o *Observer) Forget(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.clients, name)
}

// Close ends the metrics that are read from clients. Those of calls go on.
func (o *Observer) Close() error {
	if err := o.stop.Unregister(); err != nil {
		return fmt.Errorf("keyfitotel: %w", err)
	}
	return nil
}
