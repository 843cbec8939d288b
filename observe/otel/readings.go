package keyfitotel

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/keyfit/keyfit"
)

// readings are the instruments that are read from clients when metrics are collected.
type readings struct {
	all []metric.Observable
	err error

	calls, retries, refusals, waits               metric.Int64ObservableCounter
	waited                                        metric.Float64ObservableCounter
	waiting, inFlight, limit, used, keys, holding metric.Int64ObservableUpDownCounter
	pause, period, daysLeft                       metric.Float64ObservableGauge
	open, stale, healthy                          metric.Int64ObservableGauge
}

const secondsOfDay = 24 * 60 * 60

func newReadings(meter metric.Meter) (*readings, error) {
	r := new(readings)
	r.calls = add(r, meter.Int64ObservableCounter, "keyfit.client.calls", "{call}", "Calls, whatever number of attempts each took.")
	r.retries = add(r, meter.Int64ObservableCounter, "keyfit.client.retries", "{attempt}", "Further attempts after a failure or a refusal for the limit.")
	r.refusals = add(r, meter.Int64ObservableCounter, "keyfit.client.refusals", "{attempt}", "Refused attempts by cause.")
	r.waits = add(r, meter.Int64ObservableCounter, "keyfit.client.waits", "{wait}", "Waits that are over.")
	r.waited = add(r, meter.Float64ObservableCounter, "keyfit.client.wait.time", "s", "What the waits that are over took in all.")
	r.waiting = add(r, meter.Int64ObservableUpDownCounter, "keyfit.client.gate.waiting", "{attempt}", "Attempts in the queue of the gate.")
	r.inFlight = add(r, meter.Int64ObservableUpDownCounter, "keyfit.client.gate.in_flight", "{attempt}", "Attempts that have no response yet.")
	r.pause = add(r, meter.Float64ObservableGauge, "keyfit.client.gate.pause", "s", "What is left of a pause that the provider asked for.")
	r.limit = add(r, meter.Int64ObservableUpDownCounter, "keyfit.client.limit.requests", "{request}", "The limit that is kept, in requests within the period.")
	r.period = add(r, meter.Float64ObservableGauge, "keyfit.client.limit.period", "s", "The period of the limit.")
	r.used = add(r, meter.Int64ObservableUpDownCounter, "keyfit.client.limit.used", "{request}", "How many requests of the limit are used.")
	r.keys = add(r, meter.Int64ObservableUpDownCounter, "keyfit.client.keys", "{key}", "Keys by their state in the keyring.")
	r.daysLeft = add(r, meter.Float64ObservableGauge, "keyfit.client.key.days_left", "d", "Days until the key expires, negative after that; no value if the end is not known.")
	r.healthy = add(r, meter.Int64ObservableGauge, "keyfit.client.healthy", "1", "0 if calls are expected to fail because of the key.")
	r.stale = add(r, meter.Int64ObservableGauge, "keyfit.client.source.stale", "1", "1 if the source of the key failed when it was last asked.")
	r.open = add(r, meter.Int64ObservableGauge, "keyfit.client.circuit.open", "1", "1 if the provider refuses every key.")
	r.holding = add(r, meter.Int64ObservableUpDownCounter, "keyfit.client.circuit.holding", "{call}", "Calls that wait for a key that works.")
	return r, r.err
}

// add makes an instrument. I and O are the types of the instrument and of its options.
func add[I metric.Observable, O any](r *readings, create func(string, ...O) (I, error), name, unit, description string) I {
	opts := make([]O, 0, 2)
	for _, opt := range []any{metric.WithUnit(unit), metric.WithDescription(description)} {
		if o, ok := opt.(O); ok {
			opts = append(opts, o)
		}
	}
	made, err := create(name, opts...)
	r.err, r.all = errors.Join(r.err, err), append(r.all, made)
	return made
}

// read is called when metrics are collected.
func (o *Observer) read(_ context.Context, to metric.Observer) error {
	o.mu.Lock()
	clients := maps.Clone(o.clients)
	o.mu.Unlock()
	for name, c := range clients {
		one := reading{o.readings, to, []attribute.KeyValue{clientName(name), providerName(c.Provider().Name)}}
		one.stats(c.Stats())
		one.status(c.Keys().Status(), time.Now())
	}
	return nil
}

// reading is the metrics of one client as they are observed.
type reading struct {
	*readings

	to    metric.Observer
	attrs []attribute.KeyValue
}

func (r reading) with(attrs []attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributes(slices.Concat(r.attrs, attrs)...)
}

func (r reading) int(i metric.Int64Observable, n int64, attrs ...attribute.KeyValue) {
	r.to.ObserveInt64(i, n, r.with(attrs))
}

func (r reading) float(i metric.Float64Observable, v float64, attrs ...attribute.KeyValue) {
	r.to.ObserveFloat64(i, v, r.with(attrs))
}

func (r reading) flag(i metric.Int64Observable, on bool) {
	n := int64(0)
	if on {
		n = 1
	}
	r.int(i, n)
}

func (r reading) stats(s keyfit.Stats) {
	r.int(r.calls, int64(s.Requests))  //nolint:gosec // counts of requests fit
	r.int(r.retries, int64(s.Retries)) //nolint:gosec // as above
	for cause, n := range map[string]uint64{
		"limit": s.Refusals.Limit, "missing_key": s.Refusals.MissingKey, "invalid_key": s.Refusals.InvalidKey, "permission": s.Refusals.Permission,
		"unavailable": s.Refusals.Unavailable, "deadline": s.Refusals.Deadline, "max_wait": s.Refusals.MaxWait, "budget": s.Refusals.Budget,
	} {
		r.int(r.refusals, int64(n), refusalCause(cause)) //nolint:gosec // as above
	}
	r.wait(s.Backoffs, attribute.String("keyfit.wait.kind", "backoff"))
	r.wait(s.Holds, attribute.String("keyfit.wait.kind", "key"))
	r.gate(s.Gate)
	for _, g := range s.Gate.Groups {
		r.gate(g.GateStats, attribute.String("keyfit.limit.group", g.Name))
	}
}

func (r reading) wait(w keyfit.Waits, attrs ...attribute.KeyValue) {
	r.int(r.waits, int64(w.Count), attrs...) //nolint:gosec // counts of waits fit
	r.float(r.waited, w.Total.Seconds(), attrs...)
}

// gate observes the state of the gate; group names a group of routes with a limit of its own.
func (r reading) gate(g keyfit.GateStats, group ...attribute.KeyValue) {
	r.wait(g.Waits, append([]attribute.KeyValue{attribute.String("keyfit.wait.kind", "gate")}, group...)...)
	r.int(r.waiting, int64(g.Waiting), group...)
	r.int(r.inFlight, int64(g.InFlight), group...)
	r.float(r.pause, g.Paused.Seconds(), group...)
	tightest := map[keyfit.BoundSource]keyfit.Bound{}
	share := func(b keyfit.Bound) float64 { return float64(b.Used) / float64(max(1, b.Limit.Requests)) }
	for _, b := range g.Bounds { // the headers of a response may state several windows
		if known, ok := tightest[b.Source]; !ok || share(b) > share(known) {
			tightest[b.Source] = b
		}
	}
	for source, b := range tightest {
		attrs := append([]attribute.KeyValue{attribute.String("keyfit.limit.bound", string(source))}, group...)
		r.int(r.limit, int64(b.Limit.Requests), attrs...)
		r.float(r.period, b.Limit.Per.Seconds(), attrs...)
		r.int(r.used, int64(b.Used), attrs...)
	}
}

func (r reading) status(s keyfit.KeyringStatus, now time.Time) {
	n := map[keyfit.KeyState]int64{
		keyfit.StateStaged: 0, keyfit.StateVerified: 0, keyfit.StateRejected: 0, keyfit.StateCurrent: 0, keyfit.StatePrevious: 0,
	}
	for _, k := range []*keyfit.KeyStatus{&s.Current, s.Previous, s.Staged} {
		if k == nil {
			continue
		}
		n[k.State]++
		if !k.Expires.IsZero() {
			r.float(r.daysLeft, float64(k.Expires.Unix()-now.Unix())/secondsOfDay, attribute.String("keyfit.key.state", string(k.State)))
		}
	}
	for state, n := range n {
		r.int(r.keys, n, attribute.String("keyfit.key.state", string(state)))
	}
	r.flag(r.healthy, s.Healthy)
	r.flag(r.stale, s.Source.Stale)
	r.flag(r.open, s.Circuit.Open)
	r.int(r.holding, int64(s.Circuit.Holding))
}
