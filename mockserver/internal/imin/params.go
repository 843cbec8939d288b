package imin

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxURL is the documented maximum length of a URL (page "Understanding
// Responses").
const maxURL = 2048

const (
	maxLimit     = 50 // documented
	defaultLimit = 10 // assumed, not documented
	maxPage      = 1 << 20
)

// params holds query parameters in the order of the request, which view.id keeps.
type params []param

type param struct{ name, value string }

// parseParams parses a raw query. allowed holds the parameters of the operation; a
// parameter listed as "name*" may be repeated. Unknown parameters are refused,
// because ignoring a filter would give wrong results.
func parseParams(raw string, allowed []string) (params, error) {
	var out params
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(rawName)
		value, err2 := url.QueryUnescape(rawValue)
		switch {
		case err1 != nil || err2 != nil:
			return nil, errors.New("the query holds a broken percent-encoding")
		case slices.Contains(allowed, name+"*"):
		case !slices.Contains(allowed, name):
			return nil, fmt.Errorf("unknown query parameter %q", clip(name))
		case out.has(name):
			return nil, fmt.Errorf("%s may be given once only", name)
		}
		out = append(out, param{name, value})
	}
	return out, nil
}

func (p params) has(name string) bool {
	return slices.ContainsFunc(p, func(q param) bool { return q.name == name })
}

func (p params) get(name string) string {
	for _, q := range p {
		if q.name == name {
			return q.value
		}
	}
	return ""
}

func (p params) all(name string) []string {
	var out []string
	for _, q := range p {
		if q.name == name {
			out = append(out, q.value)
		}
	}
	return out
}

func (p params) without(names ...string) params {
	return slices.DeleteFunc(slices.Clone(p), func(q param) bool { return slices.Contains(names, q.name) })
}

// encode escapes like the vendor's view.id, including brackets and commas.
func (p params) encode() string {
	var b strings.Builder
	for i, q := range p {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(q.name) + "=" + url.QueryEscape(q.value))
	}
	return b.String()
}

// positiveInt reads an integer from 1 to most; fallback if the parameter is
// missing.
func (p params) positiveInt(name string, fallback, most int) (int, error) {
	if !p.has(name) {
		return fallback, nil
	}
	n, err := strconv.Atoi(p.get(name))
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("%s must be a number from 1 to %d", name, most)
	}
	return n, nil
}

// number reads a finite number; ok is false if the parameter is missing.
func (p params) number(name string) (n float64, ok bool, err error) {
	if !p.has(name) {
		return 0, false, nil
	}
	n, err = strconv.ParseFloat(p.get(name), 64)
	if err != nil || n != n || n > 1e9 || n < -1e9 {
		return 0, false, fmt.Errorf("%s must be a number", name)
	}
	return n, true, nil
}

// instant reads an ISO 8601 time; zero if the parameter is missing.
func (p params) instant(name string) (time.Time, error) {
	if !p.has(name) {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, p.get(name))
	if err != nil {
		return time.Time{}, fmt.Errorf("%s must be an ISO 8601 time such as 2030-01-02T18:00:00Z", name)
	}
	return t.UTC(), nil
}

// clock reads HH:MM as minutes since midnight; -1 if the parameter is missing.
func (p params) clock(name string) (int, error) {
	if !p.has(name) {
		return -1, nil
	}
	t, err := time.Parse("15:04", p.get(name))
	if err != nil {
		return 0, fmt.Errorf("%s must be HH:MM", name)
	}
	return t.Hour()*60 + t.Minute(), nil
}

// boolean reads true or false; nil if the parameter is missing.
func (p params) boolean(name string) (*bool, error) {
	switch p.get(name) {
	case "true":
		return new(true), nil
	case "false":
		return new(false), nil
	}
	if p.has(name) {
		return nil, fmt.Errorf("%s must be true or false", name)
	}
	return nil, nil
}

func (p params) radial() (*radial, error) {
	if !p.has("geo[radial]") {
		return nil, nil
	}
	rad, err := parseRadial(p.get("geo[radial]"))
	return &rad, err
}

// clip shortens text that an error quotes.
func clip(s string) string {
	r := []rune(s)
	if len(r) > 80 {
		return string(r[:80]) + "..."
	}
	return s
}
