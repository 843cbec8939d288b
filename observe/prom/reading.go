package prom

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/keyfit/keyfit"
)

// reading is the metrics of one client as they are sent.
type reading struct {
	*metrics

	to     chan<- prometheus.Metric
	labels []string // client and provider
}

// send sends a value with the labels that the metric has beside those of all.
func (r reading) send(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
	r.to <- prometheus.MustNewConstMetric(d, kind, value, slices.Concat(r.labels, labels)...)
}

func (r reading) gauge(d *prometheus.Desc, value float64, labels ...string) {
	r.send(d, prometheus.GaugeValue, value, labels...)
}

func (r reading) count(d *prometheus.Desc, value uint64, labels ...string) {
	r.send(d, prometheus.CounterValue, float64(value), labels...)
}

func (r reading) flag(d *prometheus.Desc, on bool) {
	value := 0.0
	if on {
		value = 1
	}
	r.gauge(d, value)
}

// time sends when something was, in seconds since 1970, and nothing for the zero time.
func (r reading) time(d *prometheus.Desc, at time.Time, labels ...string) {
	if !at.IsZero() {
		r.gauge(d, float64(at.UnixNano())/1e9, labels...)
	}
}

func (r reading) stats(s keyfit.Stats) {
	r.count(r.calls, s.Requests)
	r.count(r.retries, s.Retries)
	for cause, n := range map[string]uint64{
		"limit": s.Refusals.Limit, "missing_key": s.Refusals.MissingKey, "invalid_key": s.Refusals.InvalidKey, "permission": s.Refusals.Permission,
		"unavailable": s.Refusals.Unavailable, "deadline": s.Refusals.Deadline, "max_wait": s.Refusals.MaxWait, "budget": s.Refusals.Budget,
	} {
		r.count(r.refusals, n, cause)
	}
	r.summary(s.Backoffs, "", "backoff")
	r.summary(s.Holds, "", "key")
	r.gauge(r.pausedRoutes, float64(len(s.Gate.Routes)))
	r.gate(s.Gate, "")
	for _, g := range s.Gate.Groups {
		r.gate(g.GateStats, clean(g.Name))
	}
}

func (r reading) summary(w keyfit.Waits, group, kind string) {
	quantiles := map[float64]float64{0.5: w.P50.Seconds(), 0.99: w.P99.Seconds()}
	r.to <- prometheus.MustNewConstSummary(r.waits, w.Count, w.Total.Seconds(), quantiles, append(slices.Clip(r.labels), group, kind)...)
}

func (r reading) gate(g keyfit.GateStats, group string) {
	r.summary(g.Waits, group, "gate")
	r.gauge(r.waiting, float64(g.Waiting), group)
	r.gauge(r.inFlight, float64(g.InFlight), group)
	r.gauge(r.slots, float64(g.Slots), group)
	r.gauge(r.pause, g.Paused.Seconds(), group)
	for source, b := range tightest(g.Bounds) {
		r.gauge(r.limit, float64(b.Limit.Requests), group, source)
		r.gauge(r.period, b.Limit.Per.Seconds(), group, source)
		r.gauge(r.used, float64(b.Used), group, source)
	}
}

// tightest returns the bound of each source that is used up most. The headers of a response may
// state several windows, and a label for each would have no bound.
func tightest(bounds []keyfit.Bound) map[string]keyfit.Bound {
	left := func(b keyfit.Bound) float64 { return 1 - float64(b.Used)/float64(max(1, b.Limit.Requests)) }
	of := make(map[string]keyfit.Bound, len(bounds))
	for _, b := range bounds {
		source := clean(string(b.Source))
		if known, ok := of[source]; !ok || cmp.Less(left(b), left(known)) {
			of[source] = b
		}
	}
	return of
}

func (r reading) keys(s keyfit.KeyringStatus) {
	n := map[keyfit.KeyState]int{
		keyfit.StateStaged: 0, keyfit.StateVerified: 0, keyfit.StateRejected: 0, keyfit.StateCurrent: 0, keyfit.StatePrevious: 0,
	}
	for _, k := range []*keyfit.KeyStatus{&s.Current, s.Previous, s.Staged} {
		if k == nil {
			continue
		}
		n[k.State]++
		state := string(k.State)
		r.gauge(r.info, 1, state, k.Fingerprint)
		r.time(r.since, k.Since, state)
		r.time(r.expires, k.Expires, state)
		r.time(r.rotateBy, k.RotateBy, state)
		r.time(r.lastUsed, k.LastUsed, state)
		r.time(r.lastAccepted, k.LastAccepted, state)
	}
	for state, n := range n {
		r.gauge(r.metrics.keys, float64(n), string(state))
	}
	r.gauge(r.generation, float64(s.Current.Generation))
	r.gauge(r.safe, float64(len(s.SafeToRevoke)))
	r.flag(r.healthy, s.Healthy)
	r.flag(r.stale, s.Source.Stale)
	r.time(r.answered, s.Source.Answered)
	r.flag(r.open, s.Circuit.Open)
	r.gauge(r.holding, float64(s.Circuit.Holding))
	r.gauge(r.refusalsInRow, float64(s.Circuit.Refusals))
}

// clean makes a label of a name: one that is not UTF-8 would fail the whole scrape.
func clean(name string) string { return strings.ToValidUTF8(name, "\uFFFD") }
