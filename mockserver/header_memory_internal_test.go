package mockserver

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shownBy is how an exchange's journal entry shows a request's header.
func shownBy(x *exchange, s *Server, r *http.Request) http.Header {
	x.srv, x.v = s, s.vendor(IMKIT)
	x.req.Request = r
	x.id = s.identify(x.v, r)
	x.describe()
	out := make(http.Header)
	for _, f := range x.req.header {
		out[f.name] = append(out[f.name], f.value)
	}
	x.empty()
	return out
}

// shownAnew is shownBy an exchange that has nothing to remember, of its own or of another one.
func shownAnew(s *Server, r *http.Request) http.Header {
	shared := s.vault.sent.Swap(nil)
	defer s.vault.sent.Store(shared)
	return shownBy(newExchange(), s, r)
}

// Exchanges that have described requests before, and share what they remember, show a header as
// a new one does, whatever was sent before, and whatever was issued meanwhile.
func TestWhatIsRememberedOfAHeaderHidesAsMuchAsANewLook(t *testing.T) {
	t.Parallel()
	const rounds, later = 1500, 8
	rng := rand.New(rand.NewPCG(1, 2))
	s, err := NewHandler(WithSeed(1))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var keys, waiting []string
	texts := []string{"agent/1.2 (test)", "gzip", "", "*/*", "a%2Fb", `say "hi"`, "token=abc", "x", "text/html, application/json;q=0.9"}
	add := func(secret string) {
		texts = append(texts, secret, secret[:len(secret)/2], "agent "+secret[3:17], base64.StdEncoding.EncodeToString([]byte(secret)))
	}
	for range 3 {
		secret := s.Keys().Issue(IMKIT).Secret.Reveal()
		keys = append(keys, secret)
		add(secret)
	}
	for i := range later {
		secret := fmt.Sprintf("%016x+/~%d", rng.Uint64(), i) // no two have a piece in common
		waiting = append(waiting, secret)
		add(secret)
	}
	all := []*exchange{newExchange(), newExchange(), newExchange()}
	header := func(few []string) http.Header {
		h := http.Header{"Im-Api-Key": {keys[rng.IntN(len(keys))]}}
		for _, name := range []string{"User-Agent", "Accept", "X-Request-Id", "Cookie", "X-Own"} {
			if n := rng.IntN(12); n < 6 && (name == "User-Agent" || n < 2) {
				h[name] = []string{few[rng.IntN(len(few))]}
			} else if n == 11 {
				h[name] = []string{few[0], few[1]}
			}
		}
		return h
	}
	var few []string
	hits := 0
	for i := range rounds {
		if i%25 == 0 {
			few = []string{texts[rng.IntN(len(texts))], texts[rng.IntN(len(texts))], "agent/1.2 (test)"}
		}
		if i%(rounds/later) == rounds/later/2 {
			s.Keys().Issue(IMKIT, Raw(waiting[0]))
			keys, waiting = append(keys, waiting[0]), waiting[1:]
		}
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://x/admin/connection-count", http.NoBody)
		r.Header = header(few)
		warm := all[rng.IntN(len(all))]
		before := warm.req.sent.fields
		got := shownBy(warm, s, r)
		d := "-"
		for range 100 { // a part of one value may hide in another, by the order of the headers
			if d = cmp.Diff(shownAnew(s, r), got); d == "" {
				break
			}
		}
		if d != "" {
			t.Fatalf("round %d, %q (-want +got):\n%s", i, r.Header, d)
		}
		if now := warm.req.sent.fields; len(now) > 0 && len(before) > 0 && &now[0] == &before[0] {
			hits++
		}
	}
	if hits < rounds/10 {
		t.Errorf("the memory was used %d times of %d", hits, rounds)
	}
}

// Exchanges share the fields of one header, and a key that was compared with them is not
// compared again.
func TestExchangesShareWhatTheyRememberOfAHeader(t *testing.T) {
	t.Parallel()
	s, err := NewHandler(WithSeed(1))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	key, other := s.Keys().Issue(IMKIT), s.Keys().Issue(IMKIT)
	half := "agent " + other.Secret.Reveal()[:20]
	one, two := newExchange(), newExchange()
	var got [][]string
	for _, c := range []struct {
		x   *exchange
		key Issued
	}{{one, key}, {two, key}, {one, other}, {two, other}, {one, other}, {two, key}} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://x/admin/connection-count", http.NoBody)
		r.Header = http.Header{"User-Agent": {half}}
		c.key.Apply(r)
		got = append(got, shownBy(c.x, s, r)["User-Agent"])
	}
	hidden := []string{"agent " + redacted}
	if d := cmp.Diff([][]string{{half}, {half}, hidden, hidden, hidden, {half}}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if len(one.req.sent.fields) == 0 || &one.req.sent.fields[0] != &two.req.sent.fields[0] {
		t.Error("the exchanges do not share their fields")
	}
}

// The answers of other requests, of other keys and with faults between them, are recorded with
// their own headers.
func TestWhatIsRememberedOfAnAnswerIsItsOwn(t *testing.T) {
	t.Parallel()
	x := newExchange()
	tests := []struct {
		h     http.Header
		fault string
		want  http.Header
	}{
		{http.Header{"Content-Type": {"text/plain"}}, "", http.Header{"Content-Type": {"text/plain"}}},
		{http.Header{"Content-Type": {"text/plain"}}, "", http.Header{"Content-Type": {"text/plain"}}},
		{http.Header{"Content-Type": {"text/html"}}, "", http.Header{"Content-Type": {"text/html"}}},
		{http.Header{"Content-Type": {"text/html"}, "X-Own": {"a"}}, "", http.Header{"Content-Type": {"text/html"}, "X-Own": {redacted}}},
		{http.Header{"Content-Type": {"text/html"}, "X-Own": {"b"}}, "", http.Header{"Content-Type": {"text/html"}, "X-Own": {redacted}}},
		{http.Header{"Content-Type": {"text/html"}, "X-Own": {"b", "c"}}, "", http.Header{"Content-Type": {"text/html"}, "X-Own": {redacted, redacted}}},
		{http.Header{"Allow": {"GET", "POST"}}, "", http.Header{"Allow": {"GET", "POST"}}},
		{http.Header{"Allow": {"GET"}}, "", http.Header{"Allow": {"GET"}}},
		{http.Header{"Allow": {"key=0123456789abc"}}, "status 500", http.Header{"Allow": {"key=" + redacted}}},
		{http.Header{"Location": {"http://x/?key=0123456789abc"}}, "", http.Header{"Location": {"http://x/?key=" + redacted}}},
		{http.Header{"Location": {"http://x/"}}, "", http.Header{"Location": {"http://x/"}}},
		{http.Header{}, "", http.Header{}},
	}
	s, err := NewHandler()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i, tt := range tests {
		x.req.red.Begin(&s.vault)
		x.judgement.fault = tt.fault
		got := make(http.Header)
		for _, f := range x.replyHeader(tt.h) {
			got[f.name] = append(got[f.name], f.value)
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%d (-want +got):\n%s", i, d)
		}
		x.empty()
	}
}
