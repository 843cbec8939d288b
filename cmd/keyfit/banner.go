package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/keyfit/keyfit/mockserver"
)

// probePath is a small call that each provider answers to a good key.
func probePath(p mockserver.Provider) string {
	switch p {
	case mockserver.Imin:
		return "/events-api/v2/event-series?mode=discovery-geo&geo%5Bradial%5D=51.7520131,-1.2578499,10&limit=1"
	case mockserver.MindKey:
		return "/ping"
	case mockserver.IMKIT:
		return "/admin/connection-count"
	case mockserver.Optimove:
		return "/current/general/GetLastDataUpdate"
	default:
		return "/resource"
	}
}

// banner is what a person sees who starts a mock.
func (w *world) banner(out io.Writer, took time.Duration) error {
	var b strings.Builder
	fmt.Fprintf(&b, "keyfit mock, ready in %d ms. Ctrl-C ends it.\n", took.Milliseconds())
	if len(w.issued) == 0 {
		b.WriteString("\n")
	}
	for _, p := range mockserver.Providers() {
		url, played := w.urls[p]
		if !played {
			continue
		}
		if _, ok := w.issued[p]; !ok {
			fmt.Fprintf(&b, "%-9s %s\n", p, url)
			continue
		}
		fmt.Fprintf(&b, "\n%s\n  %s\n", p, w.curl(p, url))
	}
	if len(w.issued) == 0 {
		fmt.Fprintf(&b, "\n%d keys are known; their values are stored nowhere. A new one: keyfit keys issue imkit\n",
			len(w.srv.Keys().List(mockserver.KeyFilter{})))
	}
	b.WriteString("\nFor a program, or another terminal:\n")
	for _, line := range sorted(w.environment()) {
		name, value, _ := strings.Cut(line, "=")
		fmt.Fprintf(&b, "  export %s=%s\n", name, shellQuote(value))
	}
	b.WriteString("\nThen: keyfit keys list | requests tail | clock advance 366d | fault add latency --delay 2s\n")
	_, err := io.WriteString(out, b.String())
	return err
}

// curl is a command line that works.
func (w *world) curl(p mockserver.Provider, url string) string {
	r := &http.Request{Header: make(http.Header)}
	w.issued[p].Apply(r)
	words := []string{"curl"}
	if w.caFile != "" {
		words = append(words, "--cacert", shellQuote(w.caFile))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		words = append(words, "-H", shellQuote(vendorSpelling(name)+": "+r.Header.Get(name)))
	}
	return strings.Join(append(words, shellQuote(url+probePath(p))), " ")
}

// vendorSpelling writes a header as the vendors' pages do.
func vendorSpelling(canonical string) string {
	if canonical == "Authorization" {
		return canonical
	}
	return strings.ToUpper(canonical)
}

// shellQuote quotes what a shell would read otherwise.
func shellQuote(s string) string {
	if s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,+@%", r)
	}) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
