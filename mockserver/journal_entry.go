package mockserver

import (
	"net/http"
	"time"
)

// entry is an Exchange in the journal. It is small, because every request writes
// to the next one and so moves it through the CPU's cache. Evicted entries are
// reused.
type entry struct {
	id       uint64
	at       time.Time
	took     time.Duration // from at to the decision
	provider Provider
	method   string
	path     string
	query    string
	body     string
	keyID    string
	fault    string
	outcome  Outcome
	diag     *Diagnosis // nil if it has only outcome and key
	header   []headerField
	conn     uint64
	status   int
	size     int

	replyHeader []headerField
	reply       string
	lasted      time.Duration // if the answer took time after the decision
}

type headerField struct{ name, value string }

func (e *entry) facts() facts {
	return facts{e.provider, e.method, e.path, e.keyID, e.outcome, e.status}
}

// exchange returns a copy of the entry.
func (e *entry) exchange() Exchange {
	x := Exchange{
		ID: e.id, At: e.at, Provider: e.provider, Method: e.method, Path: e.path, Query: e.query,
		Header: make(http.Header, len(e.header)), Body: e.body, Status: e.status, Outcome: e.outcome,
		Diagnosis: Diagnosis{Outcome: e.outcome, KeyID: e.keyID}, KeyID: e.keyID, Fault: e.fault, Conn: e.conn,
	}
	if e.outcome != Pending {
		x.Decided, x.Duration = e.at.Add(e.took), Duration(max(e.took, e.lasted))
	}
	x.ResponseBody = e.reply
	for _, h := range e.replyHeader {
		if x.ResponseHeader == nil {
			x.ResponseHeader = make(http.Header, len(e.replyHeader))
		}
		x.ResponseHeader[h.name] = append(x.ResponseHeader[h.name], h.value)
	}
	if e.diag != nil {
		x.Diagnosis = *e.diag
	}
	for _, h := range e.header {
		x.Header[h.name] = append(x.Header[h.name], h.value)
	}
	return x
}

// diagnose sets what became of the request.
func (e *entry) diagnose(d *Diagnosis) {
	e.outcome, e.diag = d.Outcome, nil
	if d.Why != "" || d.Sent != "" || d.Want != "" || d.RetryAfter != 0 {
		c := *d
		e.diag = &c
	}
}
