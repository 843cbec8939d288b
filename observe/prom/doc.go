// Package prom exports what keyfit's clients do, and the state of their keys, to Prometheus. A
// [Collector] reads [keyfit.Client.Stats] and the status of the keyring when it is scraped, so it
// costs a call nothing:
//
//	metrics := prom.New()
//	prometheus.MustRegister(metrics)
//	err := metrics.Add("billing", client)
//
// Every metric has the labels client, which is the name given to [Collector.Add], and provider.
// The others have few values each: causes, states, kinds of limits, the groups of routes of
// [keyfit.Provider]. The number of series is bounded by the number of clients, with one
// exception: keyfit_key_info names fingerprints, so each rotation begins a new series. Never is
// there a key, a path or a query.
//
// The metrics are those of a client's own key. What calls do with keys of their own is in
// [keyfit.Client.StatsByKey]: a label for each tenant would have no bound.
//
// The directory ops has alert rules and a dashboard for these metrics; docs/observability.md
// lists them. The package is a separate module, so that other programs do not depend on the
// client of Prometheus.
package prom
