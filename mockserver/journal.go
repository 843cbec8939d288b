package mockserver

import (
	"net/http"
	"sync"
	"time"
)

// Exchange is one journalled request with what became of it. Credentials were
// redacted when it was written. It is written when the answer is decided and
// before the client can see it, so a client that has its answer finds it here.
type Exchange struct {
	ID        uint64      `json:"id"`       // 1, 2, 3 … in the order of decision
	At        time.Time   `json:"at"`       // mock clock at receipt
	Decided   time.Time   `json:"decided"`  // mock clock when the answer was decided
	Provider  Provider    `json:"provider"` // empty for a host of no vendor
	Method    string      `json:"method"`
	Path      string      `json:"path"`
	Query     string      `json:"query,omitempty"`
	Header    http.Header `json:"header,omitempty"` // harmless headers; the others show "[redacted]"
	Body      string      `json:"body,omitempty"`   // first 16 KiB of what was read
	Status    int         `json:"status"`           // 0 when the connection was reset instead
	Outcome   Outcome     `json:"outcome"`
	Diagnosis Diagnosis   `json:"diagnosis"`
	KeyID     string      `json:"keyId,omitempty"`
	Fault     string      `json:"fault,omitempty"`
	Conn      uint64      `json:"conn"` // number of the connection; 0 when another server accepted it
}

const (
	defaultJournalEntries = 2000
	defaultJournalBytes   = 16 << 20
	maxJournalBody        = 16 << 10
	maxCounters           = 10_000
)

// entry is an Exchange at rest, without maps. Evicted entries are used again.
type entry struct {
	ex     Exchange
	header []headerField
	size   int
}

type headerField struct{ name, value string }

// Counts are exact numbers over everything that ever matched, whatever the
// journal has evicted.
type Counts struct {
	Total     int             `json:"total"`
	ByOutcome map[Outcome]int `json:"byOutcome"`
	// Folded is how many further requests may or may not match: beyond 10,000
	// different combinations of path, key and outcome, new ones are counted
	// without path and key.
	Folded int `json:"folded,omitempty"`
}

// journal is a ring bounded in entries and bytes, plus exact counters.
type journal struct {
	mu         sync.Mutex
	ring       []*entry
	head, n    int
	bytes      int
	maxBytes   int
	seq        uint64
	counts     map[facts]int
	folded     map[facts]int
	waiters    []chan struct{}
	maxCells   int
	maxEntries int
}

func newJournal(entries, bytes int) *journal {
	return &journal{maxEntries: max(entries, 0), maxBytes: max(bytes, 0), maxCells: maxCounters, counts: make(map[facts]int)}
}

// filler writes an entry. An interface instead of a function: no closure on
// the hot path.
type filler interface{ fill(*entry) }

// add counts the exchange and stores it, evicting the oldest as needed. The
// filler is not called when nothing is kept.
func (j *journal) add(f facts, from filler) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.seq++
	j.count(f)
	if j.maxEntries > 0 && j.maxBytes > 0 {
		e := j.slot()
		from.fill(e)
		e.ex.ID = j.seq
		j.bytes += e.size
		for j.bytes > j.maxBytes && j.n > 0 {
			j.drop()
		}
	}
	for _, w := range j.waiters {
		close(w)
	}
	j.waiters = nil
}

func (j *journal) count(f facts) {
	if _, ok := j.counts[f]; ok || len(j.counts) < j.maxCells {
		j.counts[f]++
		return
	}
	f.path, f.keyID = "", ""
	if j.folded == nil {
		j.folded = make(map[facts]int)
	}
	if _, ok := j.folded[f]; !ok && len(j.folded) >= j.maxCells { // methods are the client's to invent
		f.method = ""
	}
	j.folded[f]++
}

// slot returns the entry to write, at the ring's end.
func (j *journal) slot() *entry {
	if j.n == len(j.ring) && j.n < j.maxEntries { // grow: start is quick, memory follows use
		bigger := make([]*entry, min(max(2*j.n, 64), j.maxEntries))
		for i := range j.n {
			bigger[i] = j.ring[(j.head+i)%len(j.ring)]
		}
		j.ring, j.head = bigger, 0
	}
	if j.n == len(j.ring) {
		j.drop()
	}
	at := (j.head + j.n) % len(j.ring)
	if j.ring[at] == nil {
		j.ring[at] = &entry{}
	}
	j.n++
	return j.ring[at]
}

// drop evicts the oldest. Its struct stays for the next, its strings go.
func (j *journal) drop() {
	e := j.ring[j.head]
	j.bytes -= e.size
	clear(e.header)
	*e = entry{header: e.header[:0]}
	j.head, j.n = (j.head+1)%len(j.ring), j.n-1
}

// requests copies out what matches, oldest first.
func (j *journal) requests(m Match) []Exchange {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []Exchange
	for i := range j.n {
		e := j.ring[(j.head+i)%len(j.ring)]
		f := e.ex.facts()
		if !m.exchange(&f) {
			continue
		}
		x := e.ex
		x.Header = make(http.Header, len(e.header))
		for _, h := range e.header {
			x.Header[h.name] = append(x.Header[h.name], h.value)
		}
		out = append(out, x)
	}
	return out
}

func (x *Exchange) facts() facts {
	return facts{x.Provider, x.Method, x.Path, x.KeyID, x.Outcome, x.Status}
}

func (j *journal) countsOf(m Match) Counts {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.countsLocked(m)
}

func (j *journal) countsLocked(m Match) Counts {
	c := Counts{ByOutcome: make(map[Outcome]int)}
	for f, n := range j.counts {
		if m.exchange(&f) {
			c.Total += n
			c.ByOutcome[f.outcome] += n
		}
	}
	coarse := m
	coarse.Path, coarse.KeyID = "", ""
	for f, n := range j.folded {
		if f.method == "" {
			coarse.Method = ""
		}
		switch {
		case !coarse.exchange(&f):
		case m.Path == "" && m.KeyID == "" && (m.Method == "" || f.method != ""):
			c.Total += n
			c.ByOutcome[f.outcome] += n
		default:
			c.Folded += n
		}
		coarse.Method = m.Method
	}
	return c
}

// wait returns nil when n exchanges match, else a channel that closes at the
// next one.
func (j *journal) wait(m Match, n int) <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.countsLocked(m).Total >= n {
		return nil
	}
	w := make(chan struct{})
	j.waiters = append(j.waiters, w)
	return w
}

func (j *journal) reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ring, j.head, j.n, j.bytes = nil, 0, 0, 0
	j.counts, j.folded = make(map[facts]int), nil
}
