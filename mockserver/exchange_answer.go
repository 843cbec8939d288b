package mockserver

import (
	"bytes"
	"net/http"
	"strings"
)

// answer is what the client gets.
type answer struct {
	w       http.ResponseWriter
	phase   phase
	status  int     // 0 for a reset connection
	pending ticket  // of the journal's entry, in phase pending
	capture *buffer // set while an operation answers into a buffer
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

// WriteHeader journals the exchange, adds the mock's headers and sends the
// status.
func (x *exchange) WriteHeader(status int) {
	if x.answer.capture != nil {
		x.answer.capture.status = status
		return
	}
	if x.answer.phase == decided {
		return
	}
	if status >= http.StatusBadRequest && x.judgement.Why == "" {
		x.judgement.Why = x.req.coding()
	}
	x.decide(status)
	h := x.answer.w.Header()
	if p := x.profile(); p.Hints&^(HintBody|HintNone) != 0 {
		p.setHints(h, x.judgement.quota, x.ns.clock.Now(), status == http.StatusTooManyRequests)
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
	x.answer.w.WriteHeader(status)
}

// headerText keeps a sentence inside ASCII, as header values should be.
func headerText(s string) string { return strings.ReplaceAll(s, "…", "...") }

// Write sends 200 first if nothing was sent.
func (x *exchange) Write(b []byte) (int, error) {
	if x.answer.capture != nil {
		return x.answer.capture.body.Write(b)
	}
	if x.answer.phase != decided {
		x.WriteHeader(http.StatusOK)
	}
	return x.answer.w.Write(b)
}

// Unwrap serves http.ResponseController.
func (x *exchange) Unwrap() http.ResponseWriter { return x.answer.w }
