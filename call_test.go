package keyfit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// situation is one or more calls, and what the provider answers.
type situation struct {
	replies map[string][]reply // by path, the last one for ever; 200 without a body where none is given
	method  string             // "-" for none
	url     string
	header  http.Header
	body    string
	scheme  keyfit.Scheme // IMKIT's if nil
	calls   int           // one if 0
	within  time.Duration // until the deadline; 0 for none
	ended   bool          // the context is over when the call begins
	rotate  bool          // to the second key, before the last call
	want    []string      // see outcome
}

type reply struct {
	status int
	header http.Header
	body   string
	err    error
}

const (
	situationHome = "https://api.example.com"
	firstKey      = "situation-lorem-fitsum-1"
	secondKey     = "situation-lorem-fitsum-2"
)

func good() reply {
	return reply{status: http.StatusOK, header: http.Header{"Content-Type": {"application/json"}}, body: `{"id":"1"}`}
}

func refused(status int, body string) reply {
	return reply{status, http.Header{"Content-Type": {"application/json"}, "Retry-After": {"2"}}, body, nil}
}

func badKey() reply {
	return refused(http.StatusUnauthorized, `{"error":"INVALID_API_KEY","message":"Lorem"}`)
}

func redirect(status int, to string) reply {
	return reply{status: status, header: http.Header{"Location": {to}}}
}

func broken() reply { return reply{err: errors.New("reset by Lorem")} }

func limitInHeaders() reply {
	r := good()
	r.header = http.Header{"X-Ratelimit-Limit": {"7"}, "X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"3"}}
	return r
}

// What comes of a call is what these lines say, each of which only one party sees: the
// provider ("sent"), the caller ("answer", "error", "took"), the operator ("stats"), the gate
// and the keyring. It is the same whether somebody watches the attempts or not, and with a
// gate of the caller's own.
func TestWhatComesOfACall(t *testing.T) {
	t.Parallel()
	for name, s := range situations() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onlyGate := func(line string) bool { return strings.HasPrefix(line, "gate ") }
			withoutGate := slices.DeleteFunc(slices.Clone(s.want), onlyGate)
			if d := cmp.Diff(withoutGate, s.run(t, nil)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			watched := keyfit.WithHooks(keyfit.Hooks{Attempt: func(context.Context, keyfit.AttemptEvent) {}})
			if d := cmp.Diff(withoutGate, s.run(t, nil, watched)); d != "" {
				t.Errorf("watched (-want +got):\n%s", d)
			}
			if d := cmp.Diff(s.want, s.run(t, new(recordingGate))); d != "" {
				t.Errorf("with a gate of the caller's own (-want +got):\n%s", d)
			}
		})
	}
}

// run makes the calls and writes down what comes of them. gate may be nil.
func (s situation) run(t *testing.T, gate *recordingGate, opts ...keyfit.Option) (lines []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if gate != nil {
			gate.Gate = keyfit.NewGate(keyfit.Limit{})
			opts = append(opts, keyfit.WithGate(gate))
		}
		wire := &replies{paths: maps.Clone(s.replies)}
		ring, err := keyfit.NewKeyring(t.Context(), keyfit.Static(keyfit.APIKey(firstKey)))
		if err != nil {
			t.Fatal(err)
		}
		p := keyfit.IMKIT("your-app")
		p.Limit = keyfit.Limit{}
		if s.scheme != nil {
			p.Scheme = s.scheme
		}
		c, err := keyfit.New(p, append([]keyfit.Option{
			keyfit.WithSource(ring), keyfit.WithoutDotEnv(), keyfit.WithBaseURL(situationHome), keyfit.WithHTTPClient(&http.Client{Transport: wire}),
			keyfit.WithRetry(keyfit.RetryPolicy{MinBackoff: time.Nanosecond, MaxBackoff: time.Nanosecond}),
		}, opts...)...)
		if err != nil {
			t.Fatal(err)
		}
		begin, calls := time.Now(), max(1, s.calls)
		var last []string
		for i := range calls {
			if s.rotate && i == calls-1 {
				if err := ring.Rotate(t.Context(), keyfit.APIKey(secondKey)); err != nil {
					t.Fatal(err)
				}
			}
			last = s.call(t, c)
		}
		lines = inARow("sent", wire.seen)
		if gate != nil {
			lines = append(lines, inARow("gate", gate.heard)...)
		}
		lines = append(lines, last...)
		if took := time.Since(begin).Round(time.Millisecond); took != 0 {
			lines = append(lines, "took "+took.String())
		}
		lines = append(lines, statsLine(c.Stats()), ringLine(ring.Status(), begin))
	})
	return lines
}

// call makes one call and returns what the caller sees.
func (s situation) call(t *testing.T, c *keyfit.Client) (lines []string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if s.within > 0 {
		ctx, cancel = context.WithTimeout(ctx, s.within)
		defer cancel()
	}
	if s.ended {
		cancel()
	}
	var body io.Reader = http.NoBody
	if s.body != "" {
		body = strings.NewReader(s.body)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, body)
	if err != nil {
		t.Fatal(err)
	}
	if s.method != "" {
		req.Method = strings.TrimPrefix(s.method, "-")
	}
	if s.header != nil {
		req.Header = s.header
	}
	header, where := req.Header.Clone(), req.URL.String()
	resp, err := c.Do(req)
	if d := cmp.Diff([]any{header, where, req.Context() == ctx}, []any{req.Header, req.URL.String(), true}); d != "" {
		t.Errorf("the caller's request was changed (-before +after):\n%s", d)
	}
	if err == nil {
		content, readErr := io.ReadAll(resp.Body)
		if readErr != nil {
			t.Error(readErr)
		}
		_ = resp.Body.Close()
		lines = append(lines, strings.Join(strings.Fields(fmt.Sprint("answer ", resp.StatusCode, " ", string(content), " of ", resp.Request.URL)), " "))
		if strings.Contains(fmt.Sprint(resp.Request.Header, resp.Request.URL), "lorem-fitsum") {
			t.Error("the answer's request has the key")
		}
		err = keyfit.CheckResponse(resp)
	}
	if err != nil {
		lines = append(lines, fmt.Sprintf("error %T: %s", err, withKeyNames(err.Error())))
	}
	return lines
}

// withKeyNames names the two keys by number, in clear or by fingerprint.
func withKeyNames(text string) string {
	return strings.NewReplacer(firstKey, "1", secondKey, "2",
		keyfit.APIKey(firstKey).Fingerprint(), "1", keyfit.APIKey(secondKey).Fingerprint(), "2").Replace(text)
}

// inARow writes equal lines that follow each other as one.
func inARow(what string, list []string) (lines []string) {
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n] == list[0] {
			n++
		}
		line := what + " " + list[0]
		if n > 1 {
			line = fmt.Sprintf("%s %d × %s", what, n, list[0])
		}
		lines, list = append(lines, line), list[n:]
	}
	return lines
}

func statsLine(s keyfit.Stats) string {
	line := "stats"
	r := s.Refusals
	for _, c := range []struct {
		name string
		n    uint64
	}{
		{"requests", s.Requests},
		{"retries", s.Retries},
		{"backoffs", s.Backoffs.Count},
		{"limit", r.Limit},
		{"missing key", r.MissingKey},
		{"invalid key", r.InvalidKey},
		{"permission", r.Permission},
		{"unavailable", r.Unavailable},
		{"deadline", r.Deadline},
		{"max wait", r.MaxWait},
		{"budget", r.Budget},
		{"in flight", uint64(s.Gate.InFlight)},
		{"waited", s.Gate.Waits.Count},
	} {
		if c.n > 0 {
			line += fmt.Sprintf(", %s %d", c.name, c.n)
		}
	}
	if s.Gate.Limit.Requests > 0 {
		line += fmt.Sprintf(", limit of %d in %s", s.Gate.Limit.Requests, s.Gate.Limit.Per)
	}
	return strings.Replace(line, "stats, ", "stats ", 1)
}

func ringLine(s keyfit.KeyringStatus, begin time.Time) string {
	line := "keys"
	for _, k := range []*keyfit.KeyStatus{&s.Current, s.Previous, s.Staged} {
		if k == nil {
			continue
		}
		line += fmt.Sprintf(" %s %s", k.State, withKeyNames(k.Fingerprint))
		for _, at := range []struct {
			what string
			time time.Time
		}{{"used", k.LastUsed}, {"accepted", k.LastAccepted}} {
			if !at.time.IsZero() {
				line += fmt.Sprintf(" %s at %s", at.what, at.time.Sub(begin).Round(time.Millisecond))
			}
		}
		if k.InFlight > 0 {
			line += fmt.Sprintf(" in flight %d", k.InFlight)
		}
	}
	if s.Circuit.Refusals > 0 {
		line += fmt.Sprintf(", %d refusals", s.Circuit.Refusals)
	}
	if s.Circuit.Open {
		line += ", circuit open"
	}
	return line
}

// recordingGate writes down what a gate is told of each attempt.
type recordingGate struct {
	keyfit.Gate

	mu    sync.Mutex
	heard []string
}

func (g *recordingGate) Stats(provider, key string) keyfit.GateStats {
	return g.Gate.(interface {
		Stats(provider, key string) keyfit.GateStats
	}).Stats(provider, key)
}

func (g *recordingGate) Enter(ctx context.Context, e keyfit.Entry) (func(keyfit.Outcome), error) {
	leave, err := g.Gate.Enter(ctx, e)
	if err != nil {
		return nil, err
	}
	return func(o keyfit.Outcome) {
		line := fmt.Sprint(o.StatusCode)
		for _, part := range []struct {
			said bool
			text string
		}{
			{o.Unsent, "unsent"},
			{o.Wait > 0, "wait " + o.Wait.Round(time.Microsecond).String()},
			{o.Hint > 0, "hint " + o.Hint.String()},
			{o.Limit.Requests > 0, fmt.Sprintf("limit %d in %s", o.Limit.Requests, o.Limit.Per)},
			{o.Remaining != -1, fmt.Sprintf("remaining %d", o.Remaining)},
			{o.Reset > 0, "reset " + o.Reset.String()},
			{o.Refusal != nil, "refusal"},
		} {
			if part.said {
				line += ", " + part.text
			}
		}
		g.mu.Lock()
		g.heard = append(g.heard, line)
		g.mu.Unlock()
		leave(o)
	}, nil
}

// replies is a transport that answers each path with its next reply, the last one for ever,
// and notes what it was sent.
type replies struct {
	mu    sync.Mutex
	paths map[string][]reply
	seen  []string
}

func (r *replies) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	line := req.Method + " " + req.URL.String()
	if req.Host != "" {
		line += ", host " + req.Host
	}
	for _, name := range slices.Sorted(maps.Keys(req.Header)) {
		line += ", " + name + " " + strings.Join(req.Header[name], " and ")
	}
	if req.Body != nil {
		content, err := io.ReadAll(req.Body)
		if _ = req.Body.Close(); err != nil {
			return nil, err
		}
		if len(content) > 0 {
			line += fmt.Sprintf(", body %q", content)
		}
	}
	line = strings.ReplaceAll(line, ", User-Agent keyfit/"+keyfit.Version, "")
	r.seen = append(r.seen, withKeyNames(strings.Replace(line, "Im-Api-Key", "key", 1)))
	next := reply{status: http.StatusOK}
	if list := r.paths[req.URL.Path]; len(list) > 0 {
		next = list[0]
		if len(list) > 1 {
			r.paths[req.URL.Path] = list[1:]
		}
	}
	if next.err != nil {
		return nil, next.err
	}
	header := next.header
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: next.status, Header: header, Body: io.NopCloser(strings.NewReader(next.body)), Request: req}, nil
}
