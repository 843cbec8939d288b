package keyfit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"

	"github.com/keyfit/keyfit"
)

// replies is a transport that answers each path with its next reply, the last one for ever,
// and notes what it was sent.
type replies struct {
	mu    sync.Mutex
	paths map[string][]reply
	seen  []string
}

type reply struct {
	status int
	header http.Header
	body   string
	err    error
}

func (r *replies) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	line := fmt.Sprintf("%s %s host=%q", req.Method, req.URL, req.Host)
	for _, name := range []string{"Im-Api-Key", "User-Agent", "Accept", "X-Mine"} {
		line += fmt.Sprintf(" %s=%q", name, req.Header.Values(name))
	}
	r.seen = append(r.seen, line)
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
	if next.header == nil {
		next.header = http.Header{}
	}
	return &http.Response{StatusCode: next.status, Header: next.header, Body: io.NopCloser(strings.NewReader(next.body)), Request: req}, nil
}

// whatCame is all that a caller, an operator and the provider see of a call.
type whatCame struct {
	Seen       []string
	Status     int
	Body, Path string // of the answer
	Error      string
	Type       string
	Refused    *refusedAs
	Took       time.Duration
	Stats      keyfit.Stats
	Ring       keyfit.KeyringStatus
}

type refusedAs struct {
	Status, Attempts     int
	Path, Fingerprint    string
	Code, Message, Notes string
}

// A call goes straight as long as it goes well, and nobody can tell: what comes of it is what
// comes of one that is watched, which takes the long way from the start.
func TestAStraightCallIsLikeAnyOther(t *testing.T) {
	t.Parallel()
	refused := func(status int, body string) reply {
		return reply{status, http.Header{"Content-Type": {"application/json"}, "Retry-After": {"2"}}, body, nil}
	}
	good := reply{status: http.StatusOK, header: http.Header{"Content-Type": {"application/json"}}, body: `{"id":"1"}`}
	to := func(status int, where string) reply {
		return reply{status: status, header: http.Header{"Location": {where}}}
	}
	limited := good
	limited.header = http.Header{"X-Ratelimit-Limit": {"7"}, "X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"3"}}
	invalid := refused(401, `{"error":"INVALID_API_KEY","message":"Lorem"}`)
	const home = "https://api.example.com"
	tests := map[string]struct {
		paths  map[string][]reply
		method string
		url    string
		header http.Header
		calls  int // 1 if not said
		within time.Duration
		ended  bool // its context is over when it begins
		rotate bool // before the last call
	}{
		"good":                      {paths: map[string][]reply{"/a": {good}}, url: home + "/a?b=%20c"},
		"no content":                {paths: map[string][]reply{"/a": {{status: 204}}}, method: http.MethodDelete, url: home + "/a"},
		"with a header of its own":  {url: home + "/a", header: http.Header{"X-Mine": {"1"}, "User-Agent": {"mine"}}},
		"host in capitals":          {url: "https://API.example.com/a"},
		"port said":                 {url: "https://api.example.com:443/a"},
		"relative":                  {url: "/a"},
		"method not said":           {method: "-", url: home + "/a"},
		"another origin":            {url: "https://other.example.com/a"},
		"plain http":                {url: "http://api.example.com/a"},
		"redirect":                  {paths: map[string][]reply{"/a": {to(302, "/b")}, "/b": {good}}, url: home + "/a"},
		"redirect elsewhere":        {paths: map[string][]reply{"/a": {to(307, "https://other.example.com/")}}, url: home + "/a"},
		"redirect nowhere":          {paths: map[string][]reply{"/a": {to(302, "http://[::1")}}, url: home + "/a"},
		"bad request":               {paths: map[string][]reply{"/a": {refused(400, `{"message":"Lorem"}`)}}, url: home + "/a"},
		"not found":                 {paths: map[string][]reply{"/a": {refused(404, "")}}, url: home + "/a"},
		"bad key":                   {paths: map[string][]reply{"/a": {invalid}}, url: home + "/a"},
		"bad key, and then good":    {paths: map[string][]reply{"/a": {invalid, good}}, url: home + "/a", calls: 2},
		"a new key, and that bad":   {paths: map[string][]reply{"/a": {good, invalid, good}}, url: home + "/a", calls: 3, rotate: true},
		"a permission":              {paths: map[string][]reply{"/a": {refused(403, `{"error":"INSUFFICIENT_PERMISSIONS"}`)}}, url: home + "/a"},
		"limit, then good":          {paths: map[string][]reply{"/a": {refused(429, ""), good}}, url: home + "/a", calls: 3},
		"limit, and a deadline":     {paths: map[string][]reply{"/a": {refused(429, ""), good}}, url: home + "/a", within: time.Second},
		"always limited":            {paths: map[string][]reply{"/a": {refused(429, "")}}, url: home + "/a"},
		"limit said by headers":     {paths: map[string][]reply{"/a": {limited, good}}, url: home + "/a", calls: 3},
		"unavailable, then good":    {paths: map[string][]reply{"/a": {refused(503, ""), good}}, url: home + "/a"},
		"broken, then good":         {paths: map[string][]reply{"/a": {{err: errors.New("reset by Lorem")}, good}}, url: home + "/a"},
		"always broken":             {paths: map[string][]reply{"/a": {{err: errors.New("reset by Lorem")}}}, url: home + "/a"},
		"its context is over":       {url: home + "/a", ended: true},
		"many good ones":            {url: home + "/a", calls: 200},
		"many refused ones":         {paths: map[string][]reply{"/a": {invalid}}, url: home + "/a", calls: 30},
		"after refusals, a new key": {paths: map[string][]reply{"/a": {invalid, invalid, good}}, url: home + "/a", calls: 3, rotate: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := func(opts ...keyfit.Option) (came whatCame) {
				synctest.Test(t, func(t *testing.T) {
					wire := &replies{paths: map[string][]reply{}}
					maps.Copy(wire.paths, test.paths)
					ring, err := keyfit.NewKeyring(t.Context(), keyfit.Static(keyfit.APIKey("straight-lorem-fitsum-1")))
					if err != nil {
						t.Fatal(err)
					}
					p := keyfit.IMKIT("your-app")
					p.Limit = keyfit.Limit{}
					c, err := keyfit.New(p, append([]keyfit.Option{
						keyfit.WithSource(ring), keyfit.WithoutDotEnv(), keyfit.WithBaseURL(home), keyfit.WithHTTPClient(&http.Client{Transport: wire}),
						keyfit.WithRetry(keyfit.RetryPolicy{MinBackoff: time.Nanosecond, MaxBackoff: time.Nanosecond}),
					}, opts...)...)
					if err != nil {
						t.Fatal(err)
					}
					begin := time.Now()
					calls := max(1, test.calls)
					for i := range calls {
						if test.rotate && i == calls-1 {
							if err := ring.Rotate(t.Context(), keyfit.APIKey("straight-lorem-fitsum-2")); err != nil {
								t.Fatal(err)
							}
						}
						came = call(t, c, test.method, test.url, test.header, test.within, test.ended)
					}
					came.Took, came.Seen, came.Stats, came.Ring = time.Since(begin), wire.seen, c.Stats(), ring.Status()
					came.Ring.Circuit.Next = time.Time{} // it has jitter
				})
				return came
			}
			long := run(keyfit.WithHooks(keyfit.Hooks{Attempt: func(context.Context, keyfit.AttemptEvent) {}}))
			if d := cmp.Diff(long, run()); d != "" {
				t.Errorf("straight (-long way +straight):\n%s", d)
			}
		})
	}
}

// call makes a call and takes down what came of it.
func call(t *testing.T, c *keyfit.Client, method, url string, header http.Header, within time.Duration, ended bool) (came whatCame) {
	t.Helper()
	ctx := t.Context()
	if within > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, within)
		defer cancel()
	}
	if ended {
		over, cancel := context.WithCancel(ctx)
		cancel()
		ctx = over
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if method != "" {
		req.Method = strings.TrimPrefix(method, "-")
	}
	if header != nil {
		req.Header = header
	}
	before := req.Header.Clone()
	resp, err := c.Do(req)
	if d := cmp.Diff(before, req.Header); d != "" {
		t.Errorf("the caller's request was changed (-before +after):\n%s", d)
	}
	if err == nil {
		body, readErr := io.ReadAll(resp.Body)
		if readErr != nil {
			t.Error(readErr)
		}
		_ = resp.Body.Close()
		came.Status, came.Body, came.Path = resp.StatusCode, string(body), resp.Request.URL.String()
		for name, values := range resp.Request.Header {
			if strings.Contains(fmt.Sprint(values), "lorem-fitsum") {
				t.Errorf("the answer's request has the key in %s", name)
			}
		}
		err = keyfit.CheckResponse(resp)
	}
	if err == nil {
		return came
	}
	came.Error, came.Type = err.Error(), fmt.Sprintf("%T", err)
	if e, ok := errors.AsType[*keyfit.APIError](err); ok {
		came.Refused = &refusedAs{e.StatusCode, e.Attempts, e.Path, e.KeyFingerprint, e.Code, e.Message, e.Note}
	}
	return came
}

// scribbler is a transport that changes what it is given, as it should not.
type scribbler struct{ strangers atomic.Int64 }

func (s *scribbler) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Header.Get("X-Scribbled") != "" {
		s.strangers.Add(1)
	}
	req.Header.Set("X-Scribbled", req.URL.Path)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
}

// Only net/http's own transport gets a header that requests have in common.
func TestATransportThatChangesItsRequestsChangesNoOther(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]func(*scribbler) keyfit.Option{
		"a transport of the caller's": func(s *scribbler) keyfit.Option { return keyfit.WithHTTPClient(&http.Client{Transport: s}) },
		"a middleware": func(s *scribbler) keyfit.Option {
			return keyfit.WithMiddleware(func(http.RoundTripper) http.RoundTripper { return s })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := new(scribbler)
			c, err := keyfit.New(keyfit.MindKey(), keyfit.WithKey("straight-lorem-fitsum"), keyfit.WithoutDotEnv(), opt(s))
			if err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			for i := range 16 {
				wg.Go(func() {
					for range 50 {
						if _, err := keyfit.Get[struct{}](t.Context(), c, "/"+strconv.Itoa(i)); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			if n := s.strangers.Load(); n > 0 {
				t.Errorf("%d of 800 requests had what was written into another", n)
			}
		})
	}
}

// Over real connections, with many callers, while the key changes: every request has the one
// key that is current, and the headers of its own call and no others.
func TestRequestsThatShareAHeaderDifferInAllElse(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	keys := map[string]int{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if got := r.Header.Values("X-Api-Key"); len(got) == 1 {
			keys[got[0]]++
		} else {
			t.Errorf("%s came with the keys %v", r.URL, got)
		}
		if d := cmp.Diff(r.URL.Query().Get("mine"), r.Header.Get("X-Mine")); d != "" {
			t.Errorf("header of %s (-own +seen):\n%s", r.URL, d)
		}
		if d := cmp.Diff(r.URL.Query().Get("accept"), r.Header.Get("Accept")); d != "" {
			t.Errorf("Accept of %s (-own +seen):\n%s", r.URL, d)
		}
	}))
	t.Cleanup(srv.Close)
	p := keyfit.Provider{Name: "target", BaseURL: srv.URL, Scheme: keyfit.Header("X-Api-Key")}
	c, err := keyfit.New(p, keyfit.WithKey("common-lorem-0"), keyfit.WithoutDotEnv())
	if err != nil {
		t.Fatal(err)
	}
	ctx, hc := t.Context(), c.HTTPClient()
	calls := []func(i int) error{
		func(int) error {
			_, err := keyfit.Get[string](ctx, c, "/", keyfit.Param("accept", "application/json"))
			return err
		},
		func(i int) error {
			_, err := keyfit.Get[string](ctx, c, "/", keyfit.Param("accept", "application/json"), keyfit.Param("mine", strconv.Itoa(i)), keyfit.WithHeader("X-Mine", strconv.Itoa(i)))
			return err
		},
		func(int) error {
			resp, err := hc.Get(srv.URL + "/")
			if err == nil {
				_ = resp.Body.Close()
			}
			return err
		},
	}
	const rounds, callers = 5, 16
	for round := range rounds {
		if round > 0 {
			if err := c.Keys().Rotate(ctx, keyfit.APIKey("common-lorem-"+strconv.Itoa(round))); err != nil {
				t.Fatal(err)
			}
		}
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				for _, call := range calls {
					if err := call(i); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	}
	want := map[string]int{}
	for round := range rounds {
		want["common-lorem-"+strconv.Itoa(round)] = callers * len(calls)
	}
	if text := fmt.Sprintf("%v %+v %#v %+v %#v", c, c, c, hc, hc); strings.Contains(text, "common-lorem") {
		t.Errorf("the client prints its key: %s", text)
	}
	if d := cmp.Diff(want, keys); d != "" {
		t.Errorf("requests with each key (-want +got):\n%s", d)
	}
}

// A panic below, as in the Proxy function of a transport, gives the attempt's place back.
func TestAPanicOnTheWayGivesThePlaceBack(t *testing.T) {
	t.Parallel()
	var fail atomic.Bool
	transport := &http.Transport{Proxy: func(*http.Request) (*url.URL, error) {
		if fail.Load() {
			panic("lorem")
		}
		return nil, nil //nolint:nilnil // no proxy
	}}
	t.Cleanup(transport.CloseIdleConnections)
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(srv.Close)
	p := keyfit.Provider{Name: "target", BaseURL: srv.URL, Scheme: keyfit.Header("X-Api-Key"), Limit: keyfit.Limit{Requests: 1000, Per: time.Minute}}
	c, err := keyfit.New(p, keyfit.WithKey("straight-lorem-fitsum"), keyfit.WithoutDotEnv(), keyfit.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		t.Fatal(err)
	}
	call := func() {
		defer func() { _ = recover() }()
		_, err := keyfit.Get[struct{}](t.Context(), c, "/")
		if err != nil {
			t.Error(err)
		}
	}
	call()
	fail.Store(true)
	for range 20 {
		call()
	}
	if got := c.Stats().Gate.InFlight; got != 0 {
		t.Errorf("%d attempts in flight after panics, want 0", got)
	}
	if got := c.Keys().Status().Current.InFlight; got != 0 {
		t.Errorf("%d attempts in flight with the key, want 0", got)
	}
}

// breaking is a body that breaks off.
type breaking struct{ io.Reader }

func (b breaking) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (breaking) Close() error { return nil }

// What is wrong with a good answer is told as well by a call that went straight.
func TestAStraightCallSaysWhatIsWrongWithItsAnswer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string
		length int64
		want   string
		breaks bool
	}{
		"good":                {200, `{"id":1}`, 8, "", false},
		"longer than it says": {200, `{"id":1}`, 3, "", false},
		"does not say":        {200, `{"id":1}`, -1, "", false},
		"no content":          {204, "", 0, "", false},
		"empty":               {200, "", 0, "the body is empty", false},
		"broken JSON":         {200, `{"id":`, 6, "broken JSON", false},
		"of another type":     {200, `{"id":"straight-lorem-fitsum"}`, 30, "found a JSON string", false},
		"too large":           {200, `{"id":1` + strings.Repeat(" ", 100) + `}`, 108, "too large", false},
		"too large, unsaid":   {200, `{"id":1` + strings.Repeat(" ", 100) + `}`, -1, "too large", false},
		"breaks off":          {200, `{"id":`, 20, "broke off", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := func(opts ...keyfit.Option) (int, error) {
				var body io.Reader = strings.NewReader(test.body)
				if test.breaks {
					body = breaking{body}
				}
				wire := httpmock.NewMockTransport()
				wire.RegisterResponder(http.MethodGet, "/things/1", func(req *http.Request) (*http.Response, error) {
					return &http.Response{
						StatusCode: test.status, Header: http.Header{"Content-Type": {"application/json"}}, Request: req,
						Body: io.NopCloser(body), ContentLength: test.length,
					}, nil
				})
				c, err := keyfit.New(keyfit.MindKey(), append([]keyfit.Option{
					keyfit.WithKey("straight-lorem-fitsum"), keyfit.WithoutDotEnv(), keyfit.WithMaxResponseBytes(64), keyfit.WithHTTPClient(&http.Client{Transport: wire}),
				}, opts...)...)
				if err != nil {
					t.Fatal(err)
				}
				got, err := keyfit.Get[struct{ ID int }](t.Context(), c, "/things/1?secret=straight-lorem-fitsum")
				return got.ID, err
			}
			id, err := run()
			longID, longErr := run(keyfit.WithHooks(keyfit.Hooks{Attempt: func(context.Context, keyfit.AttemptEvent) {}}))
			if d := cmp.Diff([]any{longID, fmt.Sprintf("%T %+v", longErr, longErr)}, []any{id, fmt.Sprintf("%T %+v", err, err)}); d != "" {
				t.Errorf("straight (-long way +straight):\n%s", d)
			}
			if text := fmt.Sprint(err); (err == nil) != (test.want == "") || !strings.Contains(text, test.want) && err != nil || strings.Contains(text, "lorem-fitsum") {
				t.Errorf("got %v, want it to say %q and no key", err, test.want)
			}
			if refused, ok := errors.AsType[*keyfit.RequestError](err); ok {
				if d := cmp.Diff([]any{1, 200, keyfit.APIKey("straight-lorem-fitsum").Fingerprint()}, []any{refused.Attempts, refused.StatusCode, refused.KeyFingerprint}); d != "" {
					t.Errorf("attempts, status, key (-want +got):\n%s", d)
				}
			}
		})
	}
}
