package mockserver

import (
	"net/http"
	"sync"
	"time"
)

// Exchange is one journalled request with its outcome. Credentials were redacted
// when it was written.
//
// It is written before the client can see the response, so a client that has its
// response finds the request in the journal. A request that takes time (an
// injected delay, a body that is still arriving) is in the journal from its
// arrival on, with Outcome Pending and Status 0, and is completed when its
// response is decided.
type Exchange struct {
	ID        uint64      `json:"id"`               // 1, 2, 3 …
	At        time.Time   `json:"at"`               // mock clock at receipt
	Decided   time.Time   `json:"decided,omitzero"` // mock clock when the response was decided; zero if pending
	Provider  Provider    `json:"provider"`         // empty for a host that belongs to no vendor
	Method    string      `json:"method"`
	Path      string      `json:"path"` // as it was sent, escapes and all
	Query     string      `json:"query,omitempty"`
	Header    http.Header `json:"header,omitempty"` // harmless headers; the others show "[redacted]"
	Body      string      `json:"body,omitempty"`   // the first 16 KiB that were read
	Status    int         `json:"status"`           // 0 if pending, or if the connection was reset
	Outcome   Outcome     `json:"outcome"`
	Diagnosis Diagnosis   `json:"diagnosis"`
	KeyID     string      `json:"keyId,omitempty"`
	Fault     string      `json:"fault,omitempty"`
	Conn      uint64      `json:"conn"` // number of the connection; 0 if another server accepted it

	// The answer. Duration is by the mock clock, from the receipt to the last byte.
	ResponseHeader http.Header `json:"responseHeader,omitempty"` // harmless headers; the others show "[redacted]"
	ResponseBody   string      `json:"responseBody,omitempty"`   // the first 16 KiB
	Duration       Duration    `json:"duration,omitzero"`
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

// filler writes an entry. It is an interface and not a function, which would
// need a closure on the hot path.
type filler interface{ fill(*entry) }

// ticket refers to the entry and the counter of a pending request.
type ticket struct {
	entry  *entry // nil if none is kept; reused for another request if evicted
	id     uint64
	resets int
	facts  facts
}

// add counts an exchange and stores it, evicting the oldest as needed. It does
// not call the filler if nothing is kept.
func (j *journal) add(f facts, last **cell, from filler) ticket {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.count(&f, last)
	e := j.enter(from)
	return ticket{entry: e, id: j.seq, resets: j.resets}
}

// answered completes an entry whose answer took time.
func (j *journal) answered(t ticket, reply string, took time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if e := t.entry; t.resets == j.resets && e != nil && e.id == t.id {
		j.bytes += len(reply) - len(e.reply)
		e.size += len(reply) - len(e.reply)
		e.reply, e.lasted = reply, took
		j.trim()
	}
}

// count counts an exchange. last is where a key keeps the cell of its last one, guarded by
// the journal's lock; nil without a key.
func (j *journal) count(f *facts, last **cell) {
	if last != nil && (*last).counts(f, j.resets) {
		(*last).add()
		return
	}
	c := j.counters.cellOf(*f, j.resets)
	c.add()
	if last != nil {
		*last = c
	}
}

// open is add for a request that is pending; decide completes it.
func (j *journal) open(f facts, from filler) ticket {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.counters.cellOf(f, j.resets).add()
	e := j.enter(from)
	return ticket{entry: e, id: j.seq, resets: j.resets, facts: f}
}

// keeps reports whether requests are kept, and not only counted.
func (j *journal) keeps() bool { return j.maxEntries > 0 && j.maxBytes > 0 }

func (j *journal) enter(from filler) *entry {
	j.seq++
	var e *entry
	if j.keeps() {
		e = j.slot()
		from.fill(e)
		e.id = j.seq
		j.bytes += e.size
		j.trim()
	}
	j.wake()
	return e
}

// decide moves t's request from the count of pending ones to that of its outcome,
// and fills its entry unless that was evicted meanwhile. After a reset it does
// nothing.
func (j *journal) decide(t ticket, f facts, last **cell, from filler) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if t.resets != j.resets {
		return
	}
	j.counters.drop(t.facts)
	j.count(&f, last)
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

// slot returns the entry to write, the newest of the ring.
func (j *journal) slot() *entry {
	if j.n == len(j.ring) && j.n < j.maxEntries { // grow: a new journal needs no memory
		bigger := make([]*entry, min(max(2*j.n, 64), j.maxEntries))
		for i := range j.n {
			bigger[i] = j.ring[(j.head+i)%len(j.ring)]
		}
		j.ring, j.head = bigger, 0
	}
	if j.n == len(j.ring) { // the oldest entry is reused; fill overwrites all of it
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

// drop evicts the oldest entry. Its struct is reused, its strings are released.
func (j *journal) drop() {
	e := j.ring[j.head]
	j.bytes -= e.size
	*e = entry{}
	j.head = (j.head + 1) % len(j.ring)
	j.n--
}

// requests returns copies of the exchanges that match, oldest first.
func (j *journal) requests(m Match) []Exchange {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []Exchange
	for i := range j.n {
		e := j.ring[(j.head+i)%len(j.ring)]
		if f := e.facts(); m.exchange(&f) && m.finds(e) {
			out = append(out, e.exchange())
		}
	}
	return out
}

func (ex *Exchange) facts() facts {
	return facts{ex.Provider, ex.Method, ex.Path, ex.KeyID, ex.Outcome, ex.Status}
}

func (j *journal) countsOf(m Match) Counts {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.counted(m)
}

// counted counts. What the counters do not know is looked up in the entries; those that
// were evicted may match too. The caller holds j.mu.
func (j *journal) counted(m Match) Counts {
	all := j.counters.of(m)
	if !m.isFine() {
		return all
	}
	out := Counts{ByOutcome: make(map[Outcome]int), Folded: all.Folded}
	kept := 0
	for i := range j.n {
		e := j.ring[(j.head+i)%len(j.ring)]
		if f := e.facts(); m.exchange(&f) {
			kept++
			if m.finds(e) {
				out.Total++
				out.ByOutcome[e.outcome]++
			}
		}
	}
	out.Folded += max(0, all.Total-kept)
	return out
}

// wait returns nil if n exchanges match, else a channel that closes when the next
// exchange is added or decided.
func (j *journal) wait(m Match, n int) <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.counted(m).Total >= n {
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
