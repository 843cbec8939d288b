package mockserver

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
)

// metrics writes Prometheus' text format, version 0.0.4, without a client
// library, which would add nine modules. Labels are names that a person chose or
// values of a fixed list: no path, no key, no secret.
type metrics struct{ b strings.Builder }

func (mt *metrics) head(name, kind, help string) {
	fmt.Fprintf(&mt.b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

// value writes one sample. labels are name, value and so on.
func (mt *metrics) value(name string, value any, labels ...string) {
	mt.b.WriteString(name)
	for i := 0; i+1 < len(labels); i += 2 {
		mt.b.WriteString([]string{",", "{"}[btoi(i == 0)] + labels[i] + `="`)
		mt.b.WriteString(strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(labels[i+1]) + `"`)
	}
	if len(labels) > 0 {
		mt.b.WriteByte('}')
	}
	fmt.Fprintf(&mt.b, " %v\n", value)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func adminMetrics(c *adminCall) (any, error) {
	m := &metrics{}
	spaces := c.srv.Namespaces()
	m.requests(spaces)
	m.keys(spaces)
	m.journals(spaces)
	m.faultsAndClocks(spaces)
	saved := c.srv.file.Health()
	m.head("keyfit_state_saves_total", "counter", "Writes of the state file.")
	m.value("keyfit_state_saves_total", saved.Saves)
	m.head("keyfit_state_failures_total", "counter", "Writes of the state file that failed.")
	m.value("keyfit_state_failures_total", saved.Failed)
	m.head("keyfit_goroutines", "gauge", "Goroutines of the process.")
	m.value("keyfit_goroutines", runtime.NumGoroutine())
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	m.head("keyfit_heap_bytes", "gauge", "Bytes of the heap in use.")
	m.value("keyfit_heap_bytes", mem.HeapAlloc)
	m.head("keyfit_build_info", "gauge", "Always 1; the labels have the version.")
	m.value("keyfit_build_info", 1, "version", c.a.version(), "go", runtime.Version())
	return text(m.b.String()), nil
}

func (mt *metrics) requests(spaces []*Namespace) {
	mt.head("keyfit_requests_total", "counter", "Requests by outcome, exact whatever the journal has evicted.")
	for _, n := range spaces {
		for _, p := range append(n.srv.Providers(), "") {
			sum := n.journal.outcomes(p)
			for _, o := range Outcomes() {
				if sum[o] > 0 && o != Pending {
					name := string(p)
					if p == "" {
						name = "none"
					}
					mt.value("keyfit_requests_total", sum[o], "namespace", n.title(), "provider", name, "outcome", string(o))
				}
			}
		}
	}
}

// outcomes counts the exchanges of a provider by outcome; "" is for hosts that
// belong to no provider.
func (j *journal) outcomes(p Provider) map[Outcome]int {
	j.mu.Lock()
	defer j.mu.Unlock()
	sum := make(map[Outcome]int)
	for _, cells := range []map[facts]*cell{j.counters.cells, j.counters.folded} {
		for f, c := range cells {
			if f.provider == p {
				sum[f.outcome] += c.n
			}
		}
	}
	return sum
}

func (mt *metrics) keys(spaces []*Namespace) {
	mt.head("keyfit_keys", "gauge", "Keys by status.")
	states := []KeyStatus{StatusActive, StatusExpiring, StatusRotating, StatusSuspended, StatusExpired, StatusRevoked}
	for _, n := range spaces {
		for _, p := range n.srv.Providers() {
			count := make(map[KeyStatus]int)
			for _, k := range n.keys.List(KeyFilter{Provider: p}) {
				count[k.Status]++
			}
			for _, s := range states {
				if count[s] > 0 {
					mt.value("keyfit_keys", count[s], "namespace", n.title(), "provider", string(p), "status", string(s))
				}
			}
		}
	}
}

func (mt *metrics) journals(spaces []*Namespace) {
	type size struct{ entries, bytes int }
	sizes := make([]size, len(spaces))
	for i, n := range spaces {
		n.journal.mu.Lock()
		sizes[i] = size{n.journal.n, n.journal.bytes}
		n.journal.mu.Unlock()
	}
	mt.head("keyfit_journal_entries", "gauge", "Requests in the journal.")
	for i, n := range spaces {
		mt.value("keyfit_journal_entries", sizes[i].entries, "namespace", n.title())
	}
	mt.head("keyfit_journal_bytes", "gauge", "Bytes of the requests in the journal.")
	for i, n := range spaces {
		mt.value("keyfit_journal_bytes", sizes[i].bytes, "namespace", n.title())
	}
}

func (mt *metrics) faultsAndClocks(spaces []*Namespace) {
	mt.head("keyfit_faults", "gauge", "Injected faults in force.")
	for _, n := range spaces {
		mt.value("keyfit_faults", len(n.Injections()), "namespace", n.title())
	}
	mt.head("keyfit_fault_hits", "gauge", "Requests that the faults in force were applied to, by kind.")
	for _, n := range spaces {
		hits := make(map[FaultKind]int)
		for _, i := range n.Injections() {
			hits[i.Fault.Kind] += i.Hits()
		}
		for _, k := range slices.Sorted(maps.Keys(hits)) {
			mt.value("keyfit_fault_hits", hits[k], "namespace", n.title(), "kind", string(k))
		}
	}
	mt.head("keyfit_clock_seconds", "gauge", "The mock clock, in seconds since 1970.")
	for _, n := range spaces {
		mt.value("keyfit_clock_seconds", n.clock.Now().Unix(), "namespace", n.title())
	}
	mt.head("keyfit_clock_scale", "gauge", "How fast the mock clock runs; 0 is frozen.")
	for _, n := range spaces {
		mt.value("keyfit_clock_scale", viewClock(n.clock).Scale, "namespace", n.title())
	}
}
