// Package fault defines what can go wrong with an answer on purpose: the kinds
// of faults, which requests a fault hits, and how it looks on the wire.
//
// A fault belongs to one of three stages. Before the work it delays or breaks
// the request, instead of the work it answers by itself, after the work it
// distorts the answer.
package fault

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Kind names what a fault does.
type Kind string

// The kinds of faults.
const (
	Latency     Kind = "latency"
	Jitter      Kind = "jitter"
	Status      Kind = "status"
	ResetBefore Kind = "reset_before"
	ResetRead   Kind = "reset_after_read"
	ResetAfter  Kind = "reset_after"
	Truncate    Kind = "truncate"
	Malformed   Kind = "malformed_json"
	SlowBody    Kind = "slow_body"
	Stall       Kind = "stall"
	HangHeaders Kind = "hang_headers"
	Throttle    Kind = "throttle"
	Echo        Kind = "echo"
	Redirect    Kind = "redirect"
	Body        Kind = "body"
)

// Kinds lists every kind in a fixed order.
func Kinds() []Kind {
	return []Kind{
		Latency, Jitter, Status, ResetBefore, ResetRead, ResetAfter, Truncate, Malformed,
		SlowBody, Stall, HangHeaders, Throttle, Echo, Redirect, Body,
	}
}

// Fault is one thing to go wrong.
type Fault struct {
	Kind     Kind
	Delay    time.Duration     // Latency, upper bound of Jitter, pause of SlowBody, wait of Throttle
	Status   int               // Status, Redirect
	Body     string            // Status
	Location string            // Redirect
	Bytes    int64             // Truncate: sent; SlowBody: chunk; Body: length, negative is endless
	Seed     uint64            // Jitter
	Headers  map[string]string // Status, Redirect, Body: further fields of the answer
}

// Valid returns an error for a fault that cannot be injected: an unknown kind,
// a status that is none, a negative delay.
func (f *Fault) Valid() error {
	known := false
	names := make([]string, 0, len(Kinds()))
	for _, k := range Kinds() {
		known = known || k == f.Kind
		names = append(names, string(k))
	}
	switch {
	case !known:
		return fmt.Errorf("fault: unknown kind %q; one of %s", f.Kind, strings.Join(names, ", "))
	case f.Delay < 0:
		return fmt.Errorf("fault: negative delay %s", f.Delay)
	case f.Kind == Status && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("fault: status %d is not between 200 and 599", f.Status)
	case f.Kind == Redirect && (f.Status < 300 || f.Status > 399):
		return fmt.Errorf("fault: redirect status %d is not between 300 and 399", f.Status)
	case f.Kind == Truncate && f.Bytes < 0:
		return errors.New("fault: truncate wants bytes of 0 or more")
	}
	return f.validHeaders()
}

// Idle returns an error for a fault that would do nothing, a latency without a delay,
// and for a member that the kind does not use. It is no part of Valid, because earlier
// versions took such a fault and a state that they saved must still load.
func (f *Fault) Idle() error {
	if (f.Kind == Latency || f.Kind == Jitter) && f.Delay == 0 {
		return fmt.Errorf("fault: %s without a delay does nothing; give one, such as 2s", f.Kind)
	}
	takes := members(f.Kind)
	for _, m := range []struct {
		name string
		set  bool
	}{
		{"delay", f.Delay != 0},
		{"status", f.Status != 0},
		{"body", f.Body != ""},
		{"location", f.Location != ""},
		{"bytes", f.Bytes != 0},
		{"seed", f.Seed != 0},
	} {
		if !m.set || slices.Contains(takes, m.name) {
			continue
		}
		if takes == nil {
			return fmt.Errorf("fault: %s has no effect on %s, which takes none", m.name, f.Kind)
		}
		return fmt.Errorf("fault: %s has no effect on %s, which takes %s", m.name, f.Kind, strings.Join(takes, ", "))
	}
	return nil
}

// members lists what a kind uses of a Fault.
func members(k Kind) []string {
	switch k {
	case Latency, Throttle:
		return []string{"delay"}
	case Jitter:
		return []string{"delay", "seed"}
	case Status:
		return []string{"status", "body", "headers"}
	case Redirect:
		return []string{"status", "location", "headers"}
	case Truncate:
		return []string{"bytes"}
	case SlowBody:
		return []string{"bytes", "delay"}
	case Body:
		return []string{"bytes", "headers"}
	default:
		return nil
	}
}

// validHeaders returns an error for fields that cannot be sent, or that would make
// the answer one that HTTP cannot carry: that is for Truncate and its like.
func (f *Fault) validHeaders() error {
	if len(f.Headers) > 0 && !slices.Contains(members(f.Kind), "headers") {
		return fmt.Errorf("fault: headers belong to status, redirect and body, not to %s", f.Kind)
	}
	for name, value := range f.Headers {
		switch {
		case name == "" || strings.ContainsFunc(name, notInName):
			return fmt.Errorf("fault: %.40q is not the name of a header", name)
		case strings.ContainsFunc(value, notInValue):
			return fmt.Errorf("fault: the value of header %.40q has a character that a header cannot have", name)
		}
		switch http.CanonicalHeaderKey(name) {
		case "Content-Length", "Transfer-Encoding", "Connection", "Trailer", "Upgrade":
			return fmt.Errorf("fault: header %s belongs to the connection; truncate, reset_after and malformed_json break it", http.CanonicalHeaderKey(name))
		}
	}
	return nil
}

func notInName(c rune) bool {
	letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
	return !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", c)
}

func notInValue(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }

// Waits reports whether the fault lets a request wait on the clock.
func (f *Fault) Waits() bool {
	return f.Delay > 0 && (f.Kind == Latency || f.Kind == Jitter || f.Kind == SlowBody)
}

// String names the fault and its numbers; never its body or location.
func (f Fault) String() string {
	switch f.Kind {
	case Latency, Jitter, Throttle:
		return fmt.Sprintf("%s %s", f.Kind, f.Delay)
	case Status, Redirect:
		return fmt.Sprintf("%s %d", f.Kind, f.Status)
	case Truncate, Body:
		return fmt.Sprintf("%s %d", f.Kind, f.Bytes)
	default:
	}
	return string(f.Kind)
}
