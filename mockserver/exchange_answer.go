package mockserver

import (
	"bytes"
	"net/http"
	"strings"
	"time"
)

// answer is what the client gets.
type answer struct {
	w       http.ResponseWriter
	phase   phase
	head    int           // the status that was set; 0 is none, and then 200
	status  int           // as it was decided; 0 for a reset connection
	entry   ticket        // of the journal's entry
	capture *buffer       // set while an operation answers into a buffer
	took    time.Duration // from the receipt to the decision
	header  []headerField // as the journal shows it; shared with its entries
	reply   string        // the body, as the journal shows it

	headerSize int    // of header
	whole      []byte // the body of an answer that a fault distorts; see replyLate
	late       bool   // it is recorded when it was sent
	sent       int    // bytes of the body
}

// phase is how far an exchange is. It only moves forward.
type phase uint8

const (
	arriving phase = iota // not journalled
	pending               // journalled, and not decided
	decided               // journalled with its outcome; the first byte may leave
)

// buffer collects an operation's answer, which injected faults then distort.
type buffer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header returns the header of the answer in the making.
func (x *exchange) Header() http.Header {
	if x.answer.capture != nil {
		return x.answer.capture.header
	}
	return x.answer.w.Header()
}

// WriteHeader sets the status. The answer begins with the first byte of its body, so that
// the journal has both before the client sees either.
func (x *exchange) WriteHeader(status int) {
	switch {
	case x.answer.capture != nil:
		x.answer.capture.status = status
	case x.answer.phase != decided && x.answer.head == 0:
		x.answer.head = status
	}
}

// begin journals the exchange with its answer, of whose body first is known, adds the
// mock's headers and sends the status.
func (x *exchange) begin(first []byte) {
	if x.answer.phase == decided {
		return
	}
	status := x.answer.head
	if status == 0 {
		status = http.StatusOK
	}
	if status >= http.StatusBadRequest && x.judgement.Why == "" {
		x.judgement.Why = x.req.coding()
	}
	x.settle(status)
	h := x.answer.w.Header()
	if p := x.profile(); p.Hints&^(HintBody|HintNone) != 0 {
		p.setHints(h, x.judgement.quota, x.ns.clock.Now(), status == http.StatusTooManyRequests)
	}
	if x.v.quota != nil {
		x.v.quota.set(h, x.judgement.quota, x.ns.clock.Now())
	}
	if x.v.decorate != nil {
		x.v.decorate(h, x.req.Request)
	}
	if x.judgement.Why != "" {
		h.Set("X-Mock-Diagnosis", headerText(x.judgement.String()))
	}
	if x.ns.clock.Moved() { // Retry-After dates are read relative to it
		h.Set("Date", x.ns.clock.Now().Format(http.TimeFormat))
	}
	x.describe()
	x.describeReply(status, h, first)
	x.decide(status)
	x.answer.w.WriteHeader(status)
}

// headerText keeps a sentence inside ASCII, as header values should be.
func headerText(s string) string { return strings.ReplaceAll(s, "…", "...") }

// Write begins the answer if it has not begun.
func (x *exchange) Write(b []byte) (int, error) {
	if x.answer.capture != nil {
		return x.answer.capture.body.Write(b)
	}
	x.begin(b)
	if x.answer.late && x.answer.sent+len(b) == len(x.answer.whole) { // the client is about to have it
		x.replyLate(len(x.answer.whole))
	}
	n, err := x.answer.w.Write(b)
	x.answer.sent += n
	return n, err
}

// Unwrap serves http.ResponseController.
func (x *exchange) Unwrap() http.ResponseWriter { return x.answer.w }
