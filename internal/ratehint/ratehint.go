// Package ratehint reads how long a server asks its client to wait, and what it says of its
// rate limit.
//
// # Sources
//
// [Parse] asks these in order: a field of the JSON body, the header that the provider names
// ([Names]), Retry-After (RFC 9110, section 10.2.3), Retry-After-Ms, RateLimit
// (draft-ietf-httpapi-ratelimit-headers-11, and the form of draft 7), the older triple
// RateLimit-Limit, -Remaining and -Reset, X-RateLimit-* and X-Rate-Limit-*. The first positive
// wait counts: a 0 in one source does not silence a number in another. Of several lines of one
// header the longest wait counts.
//
// # What is believed
//
// A value is a number of seconds, a duration with units ("1m30s"), an epoch in seconds or
// milliseconds, one of the three dates of HTTP, or one of RFC 3339; a time is compared with the
// server's own Date where that makes sense. What
// is negative, not finite, longer than [Max] or unreadable is dropped, also what stands
// behind the first 4 KiB of a header, the next source is
// asked, and [Hint.Dropped] says what was dropped and why. It repeats numbers only: a server
// may echo a key.
//
// The functions keep no state and are safe for concurrent use. The zero [Hint] says that
// nothing remains, so one that stands for no hint at all is [None].
package ratehint

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Max is the longest wait that is believed. Quotas by the month exist; longer waits are
// epochs in disguise or overflow (a registry once asked for 484,289 hours), and count as Max.
const Max = 31 * 24 * time.Hour

const (
	maxBody    = 64 << 10 // how much of a body is searched
	maxHeader  = 4 << 10  // how much of a header is read; net/http takes megabytes
	maxLines   = 16       // how many lines of a header are read
	maxQuote   = 24       // how much of an implausible value is repeated
	maxDropped = 16       // how many dropped values are reported
)

// Hint is what one response says of waiting and of the limit.
type Hint struct {
	Wait    time.Duration // how long to wait, from 0 to Max
	Given   bool          // whether the response says how long to wait, if only 0
	Source  string        // where Wait comes from, for example "Retry-After" or "body retryAfter"
	Dropped []string      // values that were not believed, or not in full: the source and why

	Limit     Limit         // the limit; Per is 0 if only the number is given
	Remaining int           // requests left; -1 if not given
	Reset     time.Duration // until the window resets; 0 if not given
}

// Limit is a number of requests per window. The zero value is no limit.
type Limit struct {
	Requests int
	Per      time.Duration
}

// None returns the hint of a response that gives none.
func None() Hint { return Hint{Remaining: -1} }

// RefusedWait is the wait of a response that refuses a request for the limit (429). There, a
// reset counts even if the response does not say that nothing remains, as long as it says
// nothing else of waiting.
func (h Hint) RefusedWait() time.Duration {
	if h.Wait == 0 && h.Remaining <= 0 {
		return h.Reset
	}
	return h.Wait
}

// MentionsLimit reports whether a header says something of a limit. It is cheaper than
// [Parse], for success responses.
func MentionsLimit(h http.Header) bool {
	for name := range h {
		if strings.HasPrefix(name, "Ratelimit") || strings.HasPrefix(name, "X-Rate") {
			return true
		}
	}
	return false
}

// Names is where a provider says how long to wait, if not where others do. The zero value is
// one that names nothing.
type Names struct {
	// Field is the member of the JSON body, a dotted path ("error.wait"); lists on the way
	// need no name. "" stands for retryAfter, retry_after and others that are common.
	Field  string
	Header string        // a header with a wait, beside Retry-After
	Reset  string        // a header with the end of the window, beside X-RateLimit-Reset
	Unit   time.Duration // of a plain number in these three; 0 means a second
}

func (n Names) unit() time.Duration {
	if n.Unit <= 0 {
		return time.Second
	}
	return n.Unit
}

// Parse reads the hints of a response that arrived at now. The body may be cut off.
func Parse(h http.Header, body []byte, names Names, now time.Time) Hint {
	p := parser{header: h, names: names, now: now, hint: None()}
	if len(body) > 0 {
		p.readBody(body, names)
	}
	if names.Header != "" {
		for _, v := range p.lines(names.Header) {
			p.readWait(names.Header, v, names.unit())
		}
	}
	if names.Reset != "" {
		p.hint.Reset = p.time(names.Reset, p.line(names.Reset), names.unit())
	}
	for _, common := range [...]struct {
		name string
		unit time.Duration
	}{{"Retry-After", time.Second}, {"Retry-After-Ms", time.Millisecond}} {
		if strings.EqualFold(names.Header, common.name) {
			continue // read in the provider's own unit
		}
		for _, v := range p.lines(common.name) {
			p.readWait(common.name, v, common.unit)
		}
	}
	p.readRateLimit()
	for _, prefix := range [...]string{"RateLimit", "X-RateLimit", "X-Rate-Limit"} {
		p.readTriple(prefix)
	}
	return p.hint
}

// parser collects the hints of one response.
type parser struct {
	hint   Hint
	header http.Header
	names  Names
	now    time.Time
}

// lines returns the first maxHeader bytes of the lines of a header. What is cut is cut
// before a comma: half a number is another number.
func (p *parser) lines(name string) []string {
	all, left := p.header.Values(name), maxHeader
	for i, line := range all {
		if len(line) > left || i == maxLines {
			p.drop(name, "", errBulky)
			head := append([]string(nil), all[:i]...)
			if comma := strings.LastIndexByte(line[:min(left, len(line))], ','); comma > 0 && i < maxLines {
				head = append(head, line[:comma])
			}
			return head
		}
		left -= len(line)
	}
	return all
}

// line returns the first line of a header; "" if it is too long to be a number or a date.
func (p *parser) line(name string) string {
	v := p.header.Get(name)
	if len(v) > maxHeader {
		p.drop(name, "", errBulky)
		return ""
	}
	return v
}

// readWait reads a value that says how long to wait.
func (p *parser) readWait(source, value string, unit time.Duration) {
	d, err := p.duration(value, unit)
	if err != nil {
		p.drop(source, value, err)
		if !errors.Is(err, errLong) {
			return
		}
		d = Max // the server does not want us for long, whatever it means
	}
	p.setWait(source, d)
}

// setWait takes a wait. The first positive one counts; of several lines of one header the
// longest does, because a shorter one may be too short.
func (p *parser) setWait(source string, d time.Duration) {
	h := &p.hint
	first := h.Wait == 0 && (d > 0 || !h.Given)
	if first || source == h.Source && d > h.Wait {
		h.Wait, h.Source = d, source
	}
	h.Given = true
}

// setRemaining takes what remains and when the window resets; the first source that says it
// counts. A reset is a wait only if nothing remains.
func (p *parser) setRemaining(source string, remaining int, reset time.Duration) {
	if p.hint.Remaining < 0 {
		p.hint.Remaining = remaining
	}
	if p.hint.Reset == 0 {
		p.hint.Reset = reset
	} else if reset == 0 {
		reset = p.hint.Reset // in the header that the provider names
	}
	if remaining == 0 && reset > 0 {
		p.setWait(source, reset)
	}
}

// setRequests takes the number of the limit; the first source that says it counts.
func (p *parser) setRequests(n int, ok bool) {
	if ok && n > 0 && p.hint.Limit.Requests == 0 {
		p.hint.Limit.Requests = n
	}
}

// drop reports a value that is not believed. It repeats only what looks like a number.
func (p *parser) drop(source, value string, why error) {
	if len(p.hint.Dropped) >= maxDropped {
		return
	}
	s := source + ": " + why.Error()
	if v := strings.TrimSpace(value); v != "" && strings.Trim(v, numeric) == "" {
		if len(v) > maxQuote {
			v = v[:maxQuote] + "..."
		}
		s += fmt.Sprintf(" (%s)", v)
	}
	p.hint.Dropped = append(p.hint.Dropped, s)
}

var (
	errEmpty    = errors.New("empty")
	errNegative = errors.New("negative")
	errLong     = errors.New("longer than 31 days")
	errForm     = errors.New("neither a number nor a date")
	errNumber   = errors.New("not a number")
	errBulky    = errors.New("more than 4 KiB or 16 lines, of which the rest was not read")
)
