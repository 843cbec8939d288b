package ratehint

import (
	"strings"
	"time"
)

// This file reads the headers that describe the limit. A reset counts as a wait only if they
// say that nothing remains.

// readRateLimit reads RateLimit and RateLimit-Policy: lists of named items with parameters,
// such as
//
//	RateLimit-Policy: "burst";q=100;w=60,"daily";q=1000;w=86400
//	RateLimit: "burst";r=0;t=30
//
// (draft-ietf-httpapi-ratelimit-headers-11, sections 3 and 4), and the form of draft 7,
// "limit=100, remaining=0, reset=30". The item with the least left is the one that counts.
func (p *parser) readRateLimit() {
	items := parseItems(p.lines("RateLimit"))
	policies := parseItems(p.lines("RateLimit-Policy"))
	var tightest item
	remaining, reset := -1, time.Duration(0)
	for _, it := range items {
		if it.foreign(policies) {
			continue
		}
		r, ok := p.count("RateLimit", it.param("r"))
		if !ok {
			continue
		}
		t := p.seconds("RateLimit", it.param("t"))
		if remaining < 0 || r < remaining || r == remaining && t > reset {
			remaining, reset, tightest = r, t, it
		}
	}
	p.readPolicy(policies, tightest.name)
	if remaining >= 0 {
		p.setRemaining("RateLimit", remaining, reset)
		return
	}
	p.readDraft7(items)
}

// readDraft7 reads the older form of RateLimit.
func (p *parser) readDraft7(items []item) {
	remaining, reset := -1, time.Duration(0)
	for _, it := range items {
		switch it.name {
		case "limit":
			p.setRequests(p.count("RateLimit", it.value))
		case "remaining":
			if n, ok := p.count("RateLimit", it.value); ok {
				remaining = n
			}
		case "reset":
			reset = p.seconds("RateLimit", it.value)
		}
	}
	p.setRemaining("RateLimit", remaining, reset)
}

// readPolicy takes the limit from the policy of that name, or from the first if the name
// is "".
func (p *parser) readPolicy(policies []item, name string) {
	for _, it := range policies {
		if name != "" && it.name != name || it.foreign(nil) {
			continue
		}
		q, ok := p.count("RateLimit-Policy", it.param("q"))
		if !ok {
			continue
		}
		w := p.seconds("RateLimit-Policy", it.param("w"))
		p.setRequests(q, true)
		if p.hint.Limit.Requests == q && p.hint.Limit.Per == 0 {
			p.hint.Limit.Per = w
		}
		return
	}
}

// readTriple reads the three headers X-Limit, X-Remaining and X-Reset of a prefix X.
func (p *parser) readTriple(prefix string) {
	p.readOldLimit(prefix + "-Limit")
	remaining := -1
	if n, ok := p.count(prefix+"-Remaining", p.line(prefix+"-Remaining")); ok {
		remaining = n
	}
	reset := time.Duration(0)
	if !strings.EqualFold(p.names.Reset, prefix+"-Reset") { // else it is read, in the provider's own unit
		reset = p.seconds(prefix+"-Reset", p.line(prefix+"-Reset"))
	}
	p.setRemaining(prefix+"-Reset", remaining, reset)
}

// readOldLimit reads "100", or "100, 100;w=60, 1000;w=3600": the limit, then the policies.
func (p *parser) readOldLimit(source string) {
	items := parseItems(p.lines(source))
	if len(items) == 0 || p.hint.Limit.Requests > 0 {
		return
	}
	p.setRequests(p.count(source, items[0].name))
	for _, it := range items {
		if it.name == items[0].name && it.param("w") != "" && p.hint.Limit.Requests > 0 {
			p.hint.Limit.Per = p.seconds(source, it.param("w"))
			return
		}
	}
}
