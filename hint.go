package keyfit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// maxHint is the longest wait that is believed: quotas by the month exist, longer ones
	// are epochs in disguise or overflow (a registry once asked for 484,289 hours).
	maxHint = 31 * 24 * time.Hour

	maxHintBody = 64 << 10 // so much of a body is searched
	maxQuote    = 24       // so much of an implausible value is repeated
)

// hint is what one answer says of waiting and of the limit.
//
// The sources are asked in this order: the field of the JSON body, Retry-After (RFC 9110
// 10.2.3), Retry-After-Ms, RateLimit (draft-ietf-httpapi-ratelimit-headers-11) with its older
// triple, X-RateLimit-*. The first positive wait counts: a 0 in one place does not silence
// a number in another. What is negative, not finite, longer than maxHint or unreadable is
// dropped, and the next source is asked.
type hint struct {
	wait    time.Duration // how long to wait, from 0 to maxHint
	said    bool          // the answer says how long to wait, if only 0
	source  string        // where wait comes from, for example "Retry-After" or "body retryAfter"
	dropped []string      // what was not believed: the carrier and why

	limit     Limit         // the limit; Per is 0 if only the number is said
	remaining int           // requests left; -1 if not said
	reset     time.Duration // until the window resets; 0 if not said
}

// refusedWait is the wait of a 429. There, a reset counts even if the answer does not say
// that nothing remains, as long as nothing else is said of waiting.
func (h *hint) refusedWait() time.Duration {
	if h.wait == 0 && h.remaining <= 0 {
		return h.reset
	}
	return h.wait
}

// mentionsLimit reports whether a good answer's headers say something of a limit, without
// a look-up for each of their names.
func mentionsLimit(h http.Header) bool {
	for name := range h {
		if strings.HasPrefix(name, "Ratelimit") || strings.HasPrefix(name, "X-Rate") {
			return true
		}
	}
	return false
}

// parseHint reads the hints of an answer that arrived at now. field is the body's field
// that holds seconds; "" stands for retryAfter and retry_after.
func parseHint(h http.Header, body []byte, field string, now time.Time) hint {
	p := hintParser{header: h, now: now, hint: hint{remaining: -1}}
	if len(body) > 0 {
		p.body(body, field)
	}
	for _, v := range h.Values("Retry-After") {
		p.wait("Retry-After", v, time.Second)
	}
	for _, v := range h.Values("Retry-After-Ms") {
		p.wait("Retry-After-Ms", v, time.Millisecond)
	}
	p.rateLimit()
	return p.hint
}

type hintParser struct {
	hint
	header http.Header
	now    time.Time
}

// wait takes a value of a carrier of waits.
func (p *hintParser) wait(source, value string, unit time.Duration) {
	d, err := p.duration(value, unit)
	if err != nil {
		p.drop(source, value, err)
		return
	}
	p.say(source, d)
}

// say takes a wait. The first positive one counts; of several lines of one header the
// longest does, since a shorter wait may be in vain.
func (p *hintParser) say(source string, d time.Duration) {
	none := p.hint.wait == 0 && (d > 0 || !p.said)
	if none || source == p.source && d > p.hint.wait {
		p.hint.wait, p.source = d, source
	}
	p.said = true
}

// drop notes a value that is not believed. Only what looks like a number is repeated.
func (p *hintParser) drop(source, value string, why error) {
	s := source + ": " + why.Error()
	if v := strings.TrimSpace(value); v != "" && strings.Trim(v, numeric) == "" {
		if len(v) > maxQuote {
			v = v[:maxQuote] + "..."
		}
		s += fmt.Sprintf(" (%s)", v)
	}
	if len(p.dropped) < 16 {
		p.dropped = append(p.dropped, s)
	}
}

var (
	errHintEmpty    = errors.New("empty")
	errHintNegative = errors.New("negative")
	errHintLong     = errors.New("longer than 31 days")
	errHintForm     = errors.New("neither a number nor a date")
	errHintNumber   = errors.New("not a number")
)

const numeric = "0123456789+-.eE"

// duration reads a number of units, an epoch in seconds or milliseconds, or one of the
// three dates of HTTP.
func (p *hintParser) duration(s string, unit time.Duration) (time.Duration, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0, errHintEmpty
	}
	if v, err := number(s); err == nil {
		return p.scale(v, unit)
	}
	t, err := http.ParseTime(s)
	if err != nil {
		return 0, errHintForm
	}
	return p.until(t)
}

// number reads a decimal number; strconv alone would take hexadecimal, NaN and Inf as well.
func number(s string) (float64, error) {
	if strings.Trim(s, numeric) != "" {
		return 0, errHintNumber
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) { // beyond the range: infinite
		return 0, errHintNumber
	}
	return v, nil
}

// Numbers from here on are no spans but times: 31 years in seconds, or in milliseconds.
const (
	epochSeconds = 1e9
	epochMillis  = 1e12
)

// scale turns a number into a wait; it compares before it converts, so nothing overflows.
func (p *hintParser) scale(v float64, unit time.Duration) (time.Duration, error) {
	switch {
	case math.IsNaN(v) || v < 0:
		return 0, errHintNegative
	case v >= epochMillis:
		return p.epoch(v / 1000)
	case v >= epochSeconds && unit == time.Second:
		return p.epoch(v)
	}
	ns := math.Round(v * float64(unit))
	if ns > float64(maxHint) {
		return 0, errHintLong
	}
	return time.Duration(ns), nil
}

// epoch returns the wait until so many seconds after 1970.
func (p *hintParser) epoch(v float64) (time.Duration, error) {
	if v > 1e11 { // the year 5138
		return 0, errHintLong
	}
	s, frac := math.Modf(v)
	return p.until(time.Unix(int64(s), int64(frac*1e9)))
}

// until returns the wait until t by the clock of the server, which is the Date of the answer
// and need not agree with ours. If that makes no sense, ours counts.
func (p *hintParser) until(t time.Time) (time.Duration, error) {
	if date, err := http.ParseTime(p.header.Get("Date")); err == nil {
		if d := t.Sub(date); d <= maxHint {
			return max(d, 0), nil
		}
	}
	if d := t.Sub(p.now); d <= maxHint {
		return max(d, 0), nil
	}
	return 0, errHintLong
}

// body looks for the field at the top of a JSON object and in its members error and result.
// It reads token by token, so what stands before a break or the cut is found.
func (p *hintParser) body(body []byte, field string) {
	body = bytes.TrimPrefix(body[:min(len(body), maxHintBody)], []byte("\xef\xbb\xbf"))
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if t, err := dec.Token(); err == nil && t == json.Delim('{') {
		p.object(dec, field, true)
	}
}

// object reads the members of the object that dec has just entered; it returns false at
// the first break.
func (p *hintParser) object(dec *json.Decoder, field string, top bool) bool {
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return false
		}
		value, err := dec.Token()
		if err != nil {
			return false
		}
		switch {
		case isHintField(name, field):
			p.field(fmt.Sprint(name), value)
		case top && (name == "error" || name == "result") && value == json.Delim('{'):
			if !p.object(dec, field, false) {
				return false
			}
			continue
		}
		if !skip(dec, value) {
			return false
		}
	}
	_, err := dec.Token()
	return err == nil
}

func isHintField(name json.Token, field string) bool {
	if field == "" {
		return name == "retryAfter" || name == "retry_after"
	}
	return name == field
}

// field takes the value of the body's field.
func (p *hintParser) field(name string, value json.Token) {
	source := "body " + name
	switch v := value.(type) {
	case json.Number:
		p.wait(source, v.String(), time.Second)
	case string:
		p.wait(source, v, time.Second)
	case nil:
	default:
		p.drop(source, "", errHintNumber)
	}
}

// skip reads on to the end of the value that begins with t.
func skip(dec *json.Decoder, t json.Token) bool {
	depth := 0
	for {
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return true
		}
		var err error
		if t, err = dec.Token(); err != nil {
			return false
		}
	}
}
