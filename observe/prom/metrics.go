package prom

import "github.com/prometheus/client_golang/prometheus"

// metrics are the descriptions of all metrics.
type metrics struct {
	all []*prometheus.Desc

	calls, retries, refusals, waits *prometheus.Desc

	waiting, inFlight, slots, pause, pausedRoutes *prometheus.Desc
	limit, period, used                           *prometheus.Desc

	keys, info, generation, since, expires, lastUsed, lastAccepted, safe *prometheus.Desc
	healthy, rotateBy                                                    *prometheus.Desc
	stale, answered, open, holding, refusalsInRow                        *prometheus.Desc
}

func newMetrics() *metrics {
	m := new(metrics)
	m.calls = m.describe("calls_total", "Calls, whatever number of attempts each took.")
	m.retries = m.describe("retries_total", "Further attempts after a failure or a refusal for the limit.")
	m.refusals = m.describe("refusals_total", "Refused attempts. The causes limit, missing_key, invalid_key, permission and unavailable are responses of the provider; deadline, max_wait and budget are decisions of the client.", "cause")
	m.waits = m.describe("wait_seconds", "Waits that are over: for the gate, the backoff between two attempts, or a key that works. The quantiles are those since the start.", "group", "kind")

	m.waiting = m.describe("gate_waiting_attempts", "Attempts in the queue of the gate.", "group")
	m.inFlight = m.describe("gate_in_flight_attempts", "Attempts that have no response yet.", "group")
	m.slots = m.describe("gate_slots", "How many attempts may be in flight at once; 0 means no bound.", "group")
	m.pause = m.describe("gate_pause_seconds", "What is left of a pause that the provider asked for.", "group")
	m.pausedRoutes = m.describe("gate_paused_routes", "Routes that are paused after a fault.")
	m.limit = m.describe("limit_requests", "The limit that is kept, in requests within the period.", "group", "bound")
	m.period = m.describe("limit_period_seconds", "The period of the limit.", "group", "bound")
	m.used = m.describe("limit_used_requests", "How many requests of the limit are used, those in flight included.", "group", "bound")

	m.keys = m.describe("keys", "Keys by their state in the keyring.", "state")
	m.info = m.describe("key_info", "1 for each key of the keyring.", "state", "fingerprint")
	m.generation = m.describe("key_generation", "How many keys have been current, this one included.")
	m.since = m.describe("key_since_timestamp_seconds", "When the key entered its state.", "state")
	m.expires = m.describe("key_expires_timestamp_seconds", "When the key expires; no value if that is not known.", "state")
	m.rotateBy = m.describe("key_rotate_by_timestamp_seconds", "When the key is as old as the provider says that a key should become; no value if it says nothing, or if the end of the key is known.", "state")
	m.healthy = m.describe("healthy", "0 if calls are expected to fail because of the key.")
	m.lastUsed = m.describe("key_last_used_timestamp_seconds", "When the last attempt that is over was sent with the key; no value if none was.", "state")
	m.lastAccepted = m.describe("key_last_accepted_timestamp_seconds", "When the last attempt that the provider accepted was sent with the key; no value if none was.", "state")
	m.safe = m.describe("keys_safe_to_revoke", "Replaced keys that this program does not use any more.")
	m.stale = m.describe("source_stale", "1 if the source of the key failed when it was last asked. The last good key stays in use.")
	m.answered = m.describe("source_answered_timestamp_seconds", "When the source last answered without an error.")
	m.open = m.describe("circuit_open", "1 if the provider refuses every key, so that only trial requests are sent.")
	m.holding = m.describe("circuit_holding_calls", "Calls that wait for a key that works.")
	m.refusalsInRow = m.describe("circuit_refusals_in_row", "Refusals of a key since the last one that was accepted.")
	return m
}

// describe describes a metric, with the labels that it has beside those of all.
func (m *metrics) describe(name, help string, labels ...string) *prometheus.Desc {
	d := prometheus.NewDesc("keyfit_"+name, help, append([]string{"client", "provider"}, labels...), nil)
	m.all = append(m.all, d)
	return d
}
