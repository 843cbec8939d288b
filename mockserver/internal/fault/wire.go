package fault

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Wire is the connection on which a faulty answer is given.
type Wire interface {
	http.ResponseWriter
	// Flush sends what was written so far.
	Flush()
	// Sleep waits on the mock clock. It returns false if the client or the
	// server gave up first.
	Sleep(d time.Duration) bool
	// Closed reports whether the server is closed.
	Closed() bool
	// Abort ends the connection without more of the answer. It does not return.
	Abort()
	// Hang waits until the client or the server gives up. It does not return.
	Hang()
}

// Answer writes the answer of a fault that answers instead of the work: Status,
// Redirect or Body.
func Answer(w Wire, f Fault) {
	switch f.Kind {
	case Status:
		contentType := "text/plain; charset=utf-8"
		if strings.HasPrefix(f.Body, "{") || strings.HasPrefix(f.Body, "[") {
			contentType = "application/json; charset=utf-8"
		}
		w.Header().Set("Content-Type", contentType)
		f.setHeaders(w)
		w.WriteHeader(f.Status)
		_, _ = w.Write([]byte(f.Body)) // an error means that the client has disconnected
	case Redirect:
		w.Header().Set("Location", f.Location)
		f.setHeaders(w)
		w.WriteHeader(f.Status)
	case Body:
		w.Header().Set("Content-Type", "application/json")
		f.setHeaders(w)
		pour(w, f.Bytes)
	default: // the others do not answer, or need to know the request
	}
}

// setHeaders sets the fault's own fields, over what the answer has without them.
func (f *Fault) setHeaders(w Wire) {
	for name, value := range f.Headers {
		w.Header().Set(name, value)
	}
}

// pour writes n bytes of filler; without end, until the client is gone, if n is
// negative.
func pour(w Wire, n int64) {
	if n >= 0 {
		w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
	}
	w.WriteHeader(http.StatusOK)
	chunk := append([]byte{'"'}, bytes.Repeat([]byte("lorem fitsum "), 1024)...)
	for sent := int64(0); n < 0 || sent < n; {
		b := chunk
		if n >= 0 {
			b = b[:min(int64(len(b)), n-sent)]
		}
		m, err := w.Write(b)
		if err != nil || w.Closed() {
			w.Abort()
		}
		sent += int64(m)
	}
}

// Distort sends an answer as the faults after the work say: Malformed,
// Truncate, Stall, SlowBody. The first of the last three ends the answer.
func Distort(w Wire, status int, body []byte, all []Fault) {
	for _, f := range all {
		if f.Kind == Malformed {
			body = body[:len(body)/2]
		}
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	for _, f := range all {
		switch f.Kind {
		case Truncate:
			send(w, body[:max(0, min(f.Bytes, int64(len(body)-1)))])
			w.Abort()
		case Stall:
			send(w, body[:len(body)/2])
			w.Hang()
		case SlowBody:
			drip(w, body, f.Bytes, f.Delay)
			return
		default: // applied already
		}
	}
	_, _ = w.Write(body) // an error means that the client has disconnected
}

// drip sends the body in chunks with a pause after each.
func drip(w Wire, body []byte, chunk int64, pause time.Duration) {
	for len(body) > 0 {
		n := min(max(chunk, 1), int64(len(body)))
		send(w, body[:n])
		body = body[n:]
		if !w.Sleep(pause) {
			w.Abort()
		}
	}
}

// send writes b and makes it leave: a truncation is only one if the client has
// seen the beginning.
func send(w Wire, b []byte) {
	_, _ = w.Write(b)
	w.Flush()
}
