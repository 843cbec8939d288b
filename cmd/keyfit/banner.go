package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	neturl "net/url"
	"slices"
	"strings"
	"time"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/mockserver"
)

// probePath is a cheap call that the provider answers with 200 to a valid key.
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

// probe is probePath, with the key that r has in its query. An API of one's own is asked for
// its first operation that reads.
func (m *localMock) probe(p mockserver.Provider, r *http.Request) string {
	path := probePath(p)
	if !slices.Contains(mockserver.Providers(), p) {
		path = "/"
		for _, op := range m.srv.Operations(p) {
			if got, ok := strings.CutPrefix(op, "GET "); ok && !m.isOAuth(p, got) {
				path = strings.NewReplacer("{", "", "}", "").Replace(got)
				break
			}
		}
	}
	if r.URL.RawQuery != "" {
		path += "?" + r.URL.RawQuery
	}
	return path
}

// isOAuth reports whether a path is one of an API's authorization server, which takes no key.
func (m *localMock) isOAuth(p mockserver.Provider, path string) bool {
	return slices.ContainsFunc(m.apis, func(api mockserver.API) bool {
		o := api.OAuth
		return api.Name == p && slices.Contains([]string{o.Token, o.Authorize, o.Revoke, o.Introspect, o.Metadata}, path)
	})
}

// banner writes what a person needs to call the mock.
func (m *localMock) banner(out io.Writer, took time.Duration) error {
	var b strings.Builder
	fmt.Fprintf(&b, "keyfit mock, ready in %d ms. Press Ctrl-C to end it.\n", took.Milliseconds())
	if len(m.issued) == 0 {
		b.WriteString("\n")
	}
	for _, p := range m.srv.Providers() {
		url, played := m.urls[p]
		if !played {
			continue
		}
		if _, ok := m.issued[p]; !ok {
			fmt.Fprintf(&b, "%-9s %s\n", p, url)
			continue
		}
		fmt.Fprintf(&b, "\n%s\n  %s\n", p, m.curl(p, url))
	}
	switch known := len(m.srv.Keys().List(mockserver.KeyFilter{})); {
	case len(m.issued) > 0:
		b.WriteString("\nThe keys are test keys, named Lorem Fitsum: no vendor knows them.\n")
	case known == 0:
		b.WriteString("\nThere is no key yet. To issue one: keyfit keys issue imkit\n")
	default:
		fmt.Fprintf(&b, "\n%d keys are known, but not their values. To issue a new one: keyfit keys issue imkit\n", known)
	}
	b.WriteString("\nFor a program, or another terminal:\n")
	for _, line := range sorted(m.environment()) {
		name, value, _ := strings.Cut(line, "=")
		fmt.Fprintf(&b, "  export %s=%s\n", name, cli.ShellQuote(value))
	}
	b.WriteString("\nThen try: keyfit keys list | requests tail | clock advance 366d | fault add latency --delay 2s\n")
	_, err := io.WriteString(out, b.String())
	return err
}

// curl returns a curl command that works.
func (m *localMock) curl(p mockserver.Provider, url string) string {
	r := &http.Request{Header: make(http.Header), URL: new(neturl.URL)}
	m.issued[p].Apply(r)
	words := []string{"curl"}
	if m.caFile != "" {
		words = append(words, "--cacert", cli.ShellQuote(m.caFile))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		words = append(words, "-H", cli.ShellQuote(vendorSpelling(name)+": "+r.Header.Get(name)))
	}
	return strings.Join(append(words, cli.ShellQuote(url+m.probe(p, r))), " ")
}

// vendorSpelling spells a header as the vendors' pages do.
func vendorSpelling(canonical string) string {
	if canonical == "Authorization" {
		return canonical
	}
	return strings.ToUpper(canonical)
}
