package mockserver

import (
	"net/http"
	"sync"
	"time"
)

// Exchange is one journalled request with what became of it. Credentials were
// redacted when it was written.
//
// It is written before the client can see the answer, so a client that has its
// answer finds it here. A request that takes time (an injected delay, a body
// still on its way) stands here from its arrival on, with Outcome Pending and
// Status 0, and is completed when its answer is decided.
type Exchange struct {
	ID        uint64      `json:"id"`               // 1, 2, 3 …
	At        time.Time   `json:"at"`               // mock clock at receipt
	Decided   time.Time   `json:"decided,omitzero"` // mock clock when the answer was decided; zero when pending
	Provider  Provider    `json:"provider"`         // empty for a host of no vendor
	Method    string      `json:"method"`
	Path      string      `json:"path"`
	Query     string      `json:"query,omitempty"`
	Header    http.Header `json:"header,omitempty"` // harmless headers; the others show "[redacted]"
	Body      string      `json:"body,omitempty"`   // first 16 KiB of what was read
	Status    int         `json:"status"`           // 0 when pending, or when the connection was reset instead
	Outcome   Outcome     `json:"outcome"`
	Diagnosis Diagnosis   `json:"diagnosis"`
	KeyID     string      `json:"keyId,omitempty"`
	Fault     string      `json:"fault,omitempty"`
	Conn      uint64      `json:"conn"` // number of the connection; 0 when another server accepted it
}

const (
	defaultJournalEntries = 2000
	defaultJournalBytes   = 16 << 20
)

// journal is a ring bounded in entries and bytes, plus exact counters.
type journal struct {
	mu         sync.Mutex
	ring       []*entry
	head, n    int
	bytes      int
	seq        uint64
	resets     int
	counters   counters
	waiters    []chan struct{}
	maxEntries int
	maxBytes   int
}

func newJournal(entries, bytes int) *journal {
	return &journal{maxEntries: max(entries, 0), maxBytes: max(bytes, 0), counters: newCounters()}
}

// filler writes an entry. An interface instead of a function: no closure on
// the hot path.
type filler interface{ fill(*entry) }

// ticket leads from a pending request to its entry and counter.
type ticket struct {
	entry  *entry // nil when none is kept; another's when evicted
	id     uint64
	resets int
	facts  facts
}

// add counts an exchange and stores it, evicting the oldest as needed. The
// filler is not called when nothing is kept.
func (j *journal) add(f facts, last **lastCell, from filler) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.count(f, last)
	j.enter(from)
}

// lastCell is where the last exchange of a key was counted; the next is mostly
// alike. It is guarded by the journal's lock.
type lastCell struct {
	facts  facts
	resets int
	n      *int
}

func (j *journal) count(f facts, last **lastCell) {
	if last == nil {
		*j.counters.cellOf(f)++
		return
	}
	c := *last
	if c == nil {
		c = new(lastCell)
		*last = c
	}
	if c.n == nil || c.resets != j.resets || c.facts != f {
		*c = lastCell{f, j.resets, j.counters.cellOf(f)}
	}
	*c.n++
}

// open is add for a request that is pending; decide completes it.
func (j *journal) open(f facts, from filler) ticket {
	j.mu.Lock()
	defer j.mu.Unlock()
	*j.counters.cellOf(f)++
	e := j.enter(from)
	return ticket{entry: e, id: j.seq, resets: j.resets, facts: f}
}

func (j *journal) enter(from filler) *entry {
	j.seq++
	var e *entry
	if j.maxEntries > 0 && j.maxBytes > 0 {
		e = j.slot()
		from.fill(e)
		e.id = j.seq
		j.bytes += e.size
		j.trim()
	}
	j.wake()
	return e
}

// decide counts t's request anew, by what became of it, and fills its entry
// unless that was evicted meanwhile. After a reset it does nothing: the
// request belongs to what was forgotten.
func (j *journal) decide(t ticket, f facts, last **lastCell, from filler) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if t.resets != j.resets {
		return
	}
	j.counters.drop(t.facts)
	j.count(f, last)
	if e := t.entry; e != nil && e.id == t.id {
		j.bytes -= e.size
		from.fill(e)
		e.id = t.id
		j.bytes += e.size
		j.trim()
	}
	j.wake()
}

func (j *journal) trim() {
	for j.bytes > j.maxBytes && j.n > 0 {
		j.drop()
	}
}

func (j *journal) wake() {
	for _, w := range j.waiters {
		close(w)
	}
	j.waiters = nil
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
	if j.n == len(j.ring) { // the oldest becomes the newest; fill overwrites all of it
		e := j.ring[j.head]
		j.bytes -= e.size
		j.head = (j.head + 1) % len(j.ring)
		return e
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
	if cap(e.header) > 16 { // a rare one must not stay for good
		e.header = nil
	}
	*e = entry{header: e.header[:0]}
	j.head = (j.head + 1) % len(j.ring)
	j.n--
}

// requests copies out what matches, oldest first.
func (j *journal) requests(m Match) []Exchange {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []Exchange
	for i := range j.n {
		e := j.ring[(j.head+i)%len(j.ring)]
		if f := e.facts(); m.exchange(&f) {
			out = append(out, e.exchange())
		}
	}
	return out
}

func (x *Exchange) facts() facts {
	return facts{x.Provider, x.Method, x.Path, x.KeyID, x.Outcome, x.Status}
}

func (j *journal) countsOf(m Match) Counts {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.counters.of(m)
}

// wait returns nil when n exchanges match, else a channel that closes at the
// next one.
func (j *journal) wait(m Match, n int) <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.counters.of(m).Total >= n {
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
	j.resets++
	j.counters = newCounters()
}
