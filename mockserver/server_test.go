package mockserver_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyfit/keyfit/mockserver"
)

func TestRealHostsReachTheirVendor(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	rt := srv.Transport()
	for origin, p := range map[string]mockserver.Provider{
		"https://search.imin.co": mockserver.Imin, "https://places.imin.co": mockserver.Imin, "https://firehose.imin.co": mockserver.Imin,
		"https://connector.mindkey.com": mockserver.MindKey, "https://your-app.imkit.io": mockserver.IMKIT,
		"https://api4.optimove.net": mockserver.Optimove, "https://api.iiniit.com": mockserver.Iiniit,
		"http://www.iiniit.com": mockserver.Iiniit, "http://IMKIT.localhost:8080": mockserver.IMKIT,
	} {
		r, _ := http.NewRequest(http.MethodGet, origin+"/", nil)
		srv.Keys().Issue(p).Apply(r)
		if got := call(t, rt, r); got.status != 404 {
			t.Errorf("%s: %d %s", origin, got.status, got.header.Get("X-Mock-Diagnosis"))
		}
		if srv.Counts(mockserver.Match{Provider: p}).Total == 0 {
			t.Errorf("%s did not reach %s", origin, p)
		}
	}
	r, _ := http.NewRequest(http.MethodGet, "https://example.com/", nil)
	if got := call(t, rt, r); got.status != 421 {
		t.Errorf("foreign host: %d", got.status)
	}
}

func TestEverythingWorksInABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := mockserver.New(t)
		srv.Limit(mockserver.IMKIT, mockserver.Limit{Requests: 1, Per: time.Minute})
		rt, key := srv.Transport(), srv.Keys().Issue(mockserver.IMKIT)
		if got := get(t, rt, key); got.status != 200 {
			t.Errorf("first: %d", got.status)
		}
		if got := get(t, rt, key); got.status != 429 {
			t.Errorf("second: %d", got.status)
		}
		time.Sleep(time.Minute) //nolint:forbidigo // the bubble's time
		srv.Inject(mockserver.Match{}, mockserver.Latency(time.Hour))
		start := time.Now()
		if got := get(t, rt, key); got.status != 200 || time.Since(start) != time.Hour {
			t.Errorf("third: %d after %s", got.status, time.Since(start))
		}
	})
}

func TestAdvanceWakesADelayedRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
		rt, key := srv.Transport(), srv.Keys().Issue(mockserver.Imin)
		srv.Inject(mockserver.Match{}, mockserver.Latency(time.Hour))
		var status int
		var wg sync.WaitGroup
		wg.Go(func() { status = get(t, rt, key).status })
		synctest.Wait()
		srv.Clock().Advance(time.Hour - 1)
		synctest.Wait()
		if status != 0 {
			t.Error("answered before the hour was over")
		}
		srv.Clock().Advance(1)
		wg.Wait()
		if status != 200 {
			t.Errorf("status %d", status)
		}
	})
}

func TestTheClockRunsFreezesAndScales(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := mockserver.New(t).Clock()
		start := time.Now()
		check := func(what string, want time.Time) {
			t.Helper()
			if got := c.Now(); !got.Equal(want) {
				t.Errorf("%s: %s, want %s", what, got, want)
			}
		}
		check("new", start)
		c.Advance(time.Hour)
		c.Advance(-time.Hour)
		time.Sleep(time.Minute) //nolint:forbidigo // the bubble's time
		check("advanced and running", start.Add(time.Hour+time.Minute))
		c.Freeze(epoch)
		time.Sleep(time.Minute) //nolint:forbidigo // the bubble's time
		check("frozen", epoch)
		c.Run(60)
		time.Sleep(time.Minute) //nolint:forbidigo // the bubble's time
		check("an hour a minute", epoch.Add(time.Hour))
		c.Run(-1)
		time.Sleep(time.Minute) //nolint:forbidigo // the bubble's time
		check("stopped", epoch.Add(time.Hour))
	})
}

func TestTLSIsTrustedThroughTheServersOwnCA(t *testing.T) {
	t.Parallel()
	for proto, opts := range map[string][]mockserver.Option{"HTTP/2.0": {mockserver.WithTLS()}, "HTTP/1.1": {mockserver.WithTLS(), mockserver.WithoutHTTP2()}} {
		srv := mockserver.New(t, opts...)
		key := srv.Keys().Issue(mockserver.IMKIT)
		for _, origin := range []string{srv.BaseURL(mockserver.IMKIT), "https://your-app.imkit.io"} {
			r, _ := http.NewRequest(http.MethodGet, origin+"/admin/clients", nil)
			key.Apply(r)
			res, err := srv.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if res.StatusCode != http.StatusOK || res.Proto != proto {
				t.Errorf("%s: %d %s, want %s", origin, res.StatusCode, res.Proto, proto)
			}
		}
		if !x509.NewCertPool().AppendCertsFromPEM(srv.CAPEM()) {
			t.Error("CAPEM is no certificate")
		}
		if _, err := http.Get(srv.BaseURL(mockserver.IMKIT)); err == nil {
			t.Error("a stranger trusts the certificate")
		}
	}
}

func TestTheClientStaysOnLoopback(t *testing.T) {
	t.Parallel()
	res, err := mockserver.New(t).Client().Get("http://192.0.2.1/")
	if err == nil {
		_ = res.Body.Close()
		t.Error("dialled out")
	} else if !strings.Contains(err.Error(), "stays on loopback") {
		t.Error(err)
	}
}

func TestTheHandlerServesWithoutAListener(t *testing.T) {
	t.Parallel()
	srv, err := mockserver.NewHandler()
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	key := srv.Keys().Issue(mockserver.MindKey)
	for name, h := range map[string]http.Handler{"by host": srv, "one vendor": srv.Handler(mockserver.MindKey)} {
		r := httptest.NewRequest(http.MethodGet, "http://connector.mindkey.com/ping", nil)
		key.Apply(r)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 200 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestStartEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	srv, err := mockserver.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	url := srv.BaseURL(mockserver.Imin)
	cancel()
	if _, err := srv.WaitFor(t.Context(), mockserver.Match{}, 1); err == nil { // returns when the server closes
		t.Error("a request came from nowhere")
	}
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	if srv.BaseURL(mockserver.Optimove) != "" || url == "" {
		t.Error("a closed server listens")
	}
}

func TestNamespacesDoNotSeeEachOther(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithoutSampleData())
	rt := srv.Transport()
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			n := srv.InNamespace(fmt.Sprint("test-", i))
			n.Clock().Freeze(epoch)
			n.Limit(mockserver.IMKIT, mockserver.Limit{Requests: 2, Per: time.Minute})
			key := n.Keys().Issue(mockserver.IMKIT)
			r := newRequest(t, mockserver.IMKIT, "POST", "/admin/clients", `{"_id":"only"}`)
			key.Apply(r)
			call(t, rt, r)
			r = newRequest(t, mockserver.IMKIT, "GET", "/admin/clients", "")
			key.Apply(r)
			if got := call(t, rt, r); !strings.Contains(got.body, `"totalCount":1`) {
				t.Errorf("another namespace's users: %s", got.body)
			}
			if got := get(t, rt, key); got.status != 429 {
				t.Errorf("own limit: %d", got.status)
			}
			n.Expect(t, mockserver.Match{}, 3)
		})
	}
	wg.Wait()
	srv.Expect(t, mockserver.Match{}, 0)
}
