package mockserver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// fetchAs sends a request over a socket with a Host of its own.
func fetchAs(tb testing.TB, srv *mockserver.Server, url, host string, key *mockserver.Issued) answer {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, url, nil)
	if err != nil {
		tb.Fatal(err)
	}
	if host != "" {
		r.Host = host
	}
	if key != nil {
		key.Apply(r)
	}
	return call(tb, srv.Client().Transport, r)
}

func TestARequestFindsItsNamespace(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	a := srv.InNamespace("a")
	keyA, key := a.Keys().Issue(mockserver.IMKIT), srv.Keys().Issue(mockserver.IMKIT)
	const path = "/admin/connection-count"
	shared, own := srv.BaseURL(mockserver.IMKIT), a.BaseURL(mockserver.IMKIT)
	if shared == own || own != a.BaseURL(mockserver.IMKIT) {
		t.Fatalf("listeners %s and %s", shared, own)
	}
	for _, tt := range []struct {
		name, url, host string
		key             *mockserver.Issued
		status          int
		ns              *mockserver.Namespace
	}{
		{"by its key", shared, "", &keyA, 200, a},
		{"a host that names no namespace, even with a key", shared, "b.imkit.localhost", &keyA, 421, srv.Namespace},
		{"by its key, on another's listener", own, "", &key, 200, srv.Namespace},
		{"without a key, by the host", shared, "a.imkit.localhost:80", nil, 401, a},
		{"without a key, by the host in capitals", shared, "A.IMKIT.LOCALHOST", nil, 401, a},
		{"without a key, by the listener", own, "", nil, 401, a},
		{"without a key, the default's listener", shared, "", nil, 401, srv.Namespace},
		{"without a key, host of another vendor", shared, "a.imin.localhost", nil, 401, srv.Namespace},
		{"default by name", shared, "default.imkit.localhost", nil, 401, srv.Namespace},
	} {
		before := tt.ns.Counts(mockserver.Match{}).Total
		got := fetchAs(t, srv, tt.url+path, tt.host, tt.key)
		if got.status != tt.status || tt.ns.Counts(mockserver.Match{}).Total != before+1 {
			t.Errorf("%s: %d, counted %d more", tt.name, got.status, tt.ns.Counts(mockserver.Match{}).Total-before)
		}
	}
	r := newRequest(t, mockserver.IMKIT, "GET", path, "")
	r.URL.Host, r.Host = "a.imkit.localhost", ""
	before := a.Counts(mockserver.Match{}).Total
	if got := call(t, srv.Transport(), r); got.status != 401 || a.Counts(mockserver.Match{}).Total != before+1 {
		t.Errorf("in memory, by the host: %d", got.status)
	}
}

func TestFiftyTestsOnOneServerDoNotSeeEachOther(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	url := srv.BaseURL(mockserver.IMKIT)
	client := srv.Client()
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			n := srv.InNamespace(fmt.Sprint("t", i))
			n.Clock().Freeze(epoch.Add(time.Duration(i) * time.Hour))
			n.Limit(mockserver.IMKIT, mockserver.Limit{Requests: 1 + i%5, Per: time.Minute})
			if i%2 == 0 {
				n.Inject(mockserver.Match{}, mockserver.Status(503, ""), mockserver.First(1))
			}
			key := n.Keys().Issue(mockserver.IMKIT)
			got := map[int]int{}
			for range 10 {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/admin/connection-count", nil)
				if err != nil {
					t.Error(err)
					return
				}
				key.Apply(r)
				res, err := client.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
				got[res.StatusCode]++
				if want := n.Clock().Now().Format(http.TimeFormat); res.Header.Get("Date") != want {
					t.Errorf("%d: Date %q, want %q", i, res.Header.Get("Date"), want)
				}
			}
			want := map[int]int{200: 1 + i%5, 429: 9 - i%5}
			if i%2 == 0 {
				want[503], want[429] = 1, want[429]-1
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("namespace %d:\n%s", i, diff)
			}
			n.Expect(t, mockserver.Match{}, 10)
			if i%3 == 0 {
				if err := srv.DeleteNamespace(n.Name()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	srv.Expect(t, mockserver.Match{}, 0)
	if got := len(srv.Namespaces()); got != 1+33 {
		t.Errorf("%d namespaces", got)
	}
}

func TestEveryListenerAnswersHealthChecks(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	srv.Inject(mockserver.Match{}, mockserver.Status(503, ""))
	for _, p := range mockserver.Providers() {
		if got := fetchAs(t, srv, srv.BaseURL(p)+"/_mock/health", "", nil); got.status != 200 || got.body != "ok\n" {
			t.Errorf("%s: %d %q", p, got.status, got.body)
		}
	}
	srv.Expect(t, mockserver.Match{}, 0)
}

func TestADeletedNamespaceIsGone(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	a := srv.InNamespace("a")
	key, url := a.Keys().Issue(mockserver.IMKIT), a.BaseURL(mockserver.IMKIT)
	if err := srv.DeleteNamespace("a"); err != nil {
		t.Fatal(err)
	}
	if got := get(t, srv.Transport(), key); got.status != 401 || !strings.HasPrefix(got.header.Get("X-Mock-Diagnosis"), "unknown_key") {
		t.Errorf("its key: %d %v", got.status, got.header)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if res, err := srv.Client().Do(r); err == nil {
		res.Body.Close()
		t.Error("its listener answers")
	}
	if err := srv.DeleteNamespace("a"); !errors.Is(err, mockserver.ErrNoSuchNamespace) {
		t.Errorf("again: %v", err)
	}
	for _, name := range []string{"", "default"} {
		if err := srv.DeleteNamespace(name); !errors.Is(err, mockserver.ErrDefaultNamespace) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if again := srv.InNamespace("a"); again == a || len(again.Keys().List(mockserver.KeyFilter{})) != 0 {
		t.Error("a new one of the name remembers the old")
	}
}

func TestResetMakesTheNamespaceAsNew(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch), mockserver.WithLimit(mockserver.IMKIT, mockserver.Limit{Requests: 9, Per: time.Minute}))
	fresh := encode(t, srv.Snapshot())
	rt, key := srv.Transport(), srv.Keys().Issue(mockserver.IMKIT)
	create := newRequest(t, mockserver.IMKIT, "POST", "/admin/clients", `{"_id":"zoe"}`)
	key.Apply(create)
	call(t, rt, create)
	srv.Limit(mockserver.IMKIT, mockserver.Limit{})
	srv.SetProfile(mockserver.IMKIT, mockserver.Profile{Shape: mockserver.Enveloped})
	srv.Inject(mockserver.Match{}, mockserver.Stall())
	srv.Clock().Advance(time.Hour)
	if err := srv.Reset(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(fresh), string(encode(t, srv.Snapshot()))); diff != "" {
		t.Errorf("(-new +reset):\n%s", diff)
	}
	srv.Expect(t, mockserver.Match{}, 0)
	next := srv.Keys().Issue(mockserver.IMKIT)
	if next.ID != key.ID {
		t.Errorf("IDs go on at %s", next.ID)
	}
	list := newRequest(t, mockserver.IMKIT, "GET", "/admin/clients?limit=100", "")
	next.Apply(list)
	if got := call(t, rt, list); got.status != 200 || strings.Contains(got.body, "zoe") {
		t.Errorf("the vendor's data: %d %s", got.status, got.body)
	}
}

func TestReconfigureReplacesLimitsAndProfilesEverywhere(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithProfile(mockserver.IMKIT, mockserver.Profile{Shape: mockserver.Enveloped}))
	rt := srv.Transport()
	old := srv.InNamespace("old").Keys().Issue(mockserver.IMKIT)
	srv.Reconfigure(mockserver.WithLimit(mockserver.IMKIT, mockserver.Limit{Requests: 1, Per: time.Hour}))
	for _, key := range []mockserver.Issued{old, srv.Keys().Issue(mockserver.IMKIT), srv.InNamespace("new").Keys().Issue(mockserver.IMKIT)} {
		get(t, rt, key)
		if got := get(t, rt, key); got.status != 429 || strings.Contains(got.body, "RC") {
			t.Errorf("%s: %d %s", key.ID, got.status, got.body)
		}
	}
}

func TestShutdownLetsARequestFinish(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	srv.Inject(mockserver.Match{}, mockserver.Latency(time.Hour))
	key, url := srv.Keys().Issue(mockserver.IMKIT), srv.BaseURL(mockserver.IMKIT)
	status := make(chan int, 1)
	go func() { status <- fetchAs(t, srv, url+"/admin/connection-count", "", &key).status }()
	if _, err := srv.WaitFor(t.Context(), mockserver.Match{}, 1); err != nil { // it has arrived and waits
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Shutdown(t.Context()) }()
	refusesConnections(t, url)
	srv.Clock().Advance(time.Hour)
	if got := <-status; got != 200 {
		t.Errorf("the request under way: %d", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// refusesConnections waits until nothing listens at url.
func refusesConnections(t *testing.T, url string) {
	t.Helper()
	for {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/nowhere", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
		if err != nil {
			return
		}
		res.Body.Close()
	}
}

func TestShutdownCutsAStalledClientWhenTheGraceIsOver(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	srv.Inject(mockserver.Match{}, mockserver.Stall())
	key, url := srv.Keys().Issue(mockserver.IMKIT), srv.BaseURL(mockserver.IMKIT)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/admin/connection-count", nil)
	if err != nil {
		t.Fatal(err)
	}
	key.Apply(r)
	res, err := srv.Client().Do(r) // headers and half a body, then nothing
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	_, events := stream(t, srv, "") // and a stream of the admin API
	defer events()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := srv.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
	if _, err := io.ReadAll(res.Body); err == nil {
		t.Error("the stalled answer came to an end")
	}
}

func TestShutdownEndsAdminStreamsAtOnce(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	body, done := stream(t, srv, "")
	defer done()
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadAll(body); err != nil {
		t.Errorf("the stream broke instead of ending: %v", err)
	}
	if got := adminCall(t, srv, "GET", "/readyz", ""); got.status != 503 {
		t.Errorf("/readyz: %d", got.status)
	}
}

func TestAWaitOfTheAdminAPIEndsAtItsTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := mockserver.New(t)
		began := time.Now()
		got := adminJSON[struct{ Reached bool }](t, srv, 200, "POST", "/v1/namespaces/default/requests/wait", `{"n":1,"timeout":"90s"}`)
		if took := time.Since(began); got.Reached || took != 90*time.Second {
			t.Errorf("reached %v after %s", got.Reached, took)
		}
	})
}
