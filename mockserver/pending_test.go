package mockserver_test

import (
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

// outcomes are the journal's entries in short, and its counts.
func outcomes(srv *mockserver.Server) (entries []mockserver.Outcome, counts map[mockserver.Outcome]int) {
	for _, x := range srv.Requests(mockserver.Match{}) {
		entries = append(entries, x.Outcome)
	}
	return entries, srv.Counts(mockserver.Match{}).ByOutcome
}

func TestADelayedRequestIsSeenBeforeItsAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
		srv.Inject(mockserver.Match{}, mockserver.Latency(time.Hour))
		rt, key := srv.Transport(), srv.Keys().Issue(mockserver.IMKIT)
		var wg sync.WaitGroup
		wg.Go(func() { get(t, rt, key) })
		got, err := srv.WaitFor(t.Context(), mockserver.Match{KeyID: key.ID}, 1)
		if err != nil {
			t.Fatal(err)
		}
		want := []mockserver.Exchange{{
			ID: 1, At: epoch, Provider: mockserver.IMKIT, Method: "GET", Path: "/admin/connection-count",
			Header:  http.Header{"Im-Api-Key": {"[redacted]"}, "User-Agent": {"Go-http-client/1.1"}, "Accept-Encoding": {"gzip"}},
			Outcome: mockserver.Pending, KeyID: key.ID, Fault: "latency 1h0m0s", Conn: 1,
			Diagnosis: mockserver.Diagnosis{Outcome: mockserver.Pending, KeyID: key.ID},
		}}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("pending (-want +got):\n%s", d)
		}
		srv.Clock().Advance(time.Hour)
		wg.Wait()
		want[0].Outcome, want[0].Status, want[0].Decided = mockserver.OK, 200, epoch.Add(time.Hour)
		want[0].Diagnosis.Outcome = mockserver.OK
		want[0].Duration, want[0].ResponseBody = mockserver.Duration(time.Hour), `{"RC":0,"RM":"OK","result":{"count":0}}`
		want[0].ResponseHeader = http.Header{"Content-Type": {"application/json; charset=utf-8"}, "Date": {"Fri, 01 Jan 2027 01:00:00 GMT"}}
		if d := cmp.Diff(want, srv.Requests(mockserver.Match{})); d != "" {
			t.Errorf("decided (-want +got):\n%s", d)
		}
		srv.Expect(t, mockserver.Match{Outcome: mockserver.Pending}, 0)
		srv.Expect(t, mockserver.Match{}, 1)
	})
}

func TestARequestIsSeenWhileItsBodyIsOnItsWay(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	rt, key := srv.Transport(), srv.Keys().Issue(mockserver.IMKIT)
	body, writer := io.Pipe()
	r := newRequest(t, mockserver.IMKIT, "POST", "/admin/clients", "")
	r.Body, r.ContentLength = body, -1
	key.Apply(r)
	done := make(chan int, 1)
	go func() { done <- call(t, rt, r).status }()
	if _, err := srv.WaitFor(t.Context(), mockserver.Match{Outcome: mockserver.Pending, Path: "/admin/clients"}, 1); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(writer, `{"_id":"u1"}`)
	_ = writer.Close()
	if status := <-done; status != 200 {
		t.Errorf("status %d", status)
	}
	got := srv.Requests(mockserver.Match{})
	if len(got) != 1 || got[0].Outcome != mockserver.OK || got[0].Body != `{"_id":"u1"}` {
		t.Errorf("%+v", got)
	}
}

func TestAStalledRequestIsSeen(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]mockserver.Fault{"headers": mockserver.HangHeaders(), "body": mockserver.Stall()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := mockserver.New(t)
			srv.Inject(mockserver.Match{}, fault)
			key, rt := srv.Keys().Issue(mockserver.IMKIT), srv.Transport()
			var wg sync.WaitGroup
			wg.Go(func() { fetch(&http.Client{Transport: rt}, "https://your-app.imkit.io", key) })
			got, err := srv.WaitFor(t.Context(), mockserver.Match{Outcome: mockserver.Faulted}, 1)
			if err != nil || len(got) != 1 || got[0].Fault != fault.String() {
				t.Errorf("%v %+v", err, got)
			}
			_ = srv.Close()
			wg.Wait()
			srv.Expect(t, mockserver.Match{}, 1)
		})
	}
}

// A pending entry may be evicted, or forgotten with the whole journal, before
// its request is decided.
func TestCountsStayExactWhateverBecomesOfAPendingEntry(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		meanwhile func(*mockserver.Server, http.RoundTripper, mockserver.Issued)
		entries   []mockserver.Outcome
		counts    map[mockserver.Outcome]int
	}{
		"decided": {
			func(*mockserver.Server, http.RoundTripper, mockserver.Issued) {},
			[]mockserver.Outcome{mockserver.OK},
			map[mockserver.Outcome]int{mockserver.OK: 1},
		},
		"evicted": {func(_ *mockserver.Server, rt http.RoundTripper, key mockserver.Issued) {
			for range 3 {
				get(t, rt, key)
			}
		}, []mockserver.Outcome{mockserver.OK, mockserver.OK}, map[mockserver.Outcome]int{mockserver.OK: 4}},
		"forgotten": {
			func(srv *mockserver.Server, _ http.RoundTripper, _ mockserver.Issued) { srv.ResetJournal() },
			nil,
			map[mockserver.Outcome]int{},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := mockserver.New(t, mockserver.WithFrozenClock(epoch), mockserver.WithJournal(2, 1<<20))
			srv.Inject(mockserver.Match{}, mockserver.Latency(time.Hour), mockserver.First(1))
			rt, key := srv.Transport(), srv.Keys().Issue(mockserver.Imin)
			var wg sync.WaitGroup
			wg.Go(func() { get(t, rt, key) })
			if _, err := srv.WaitFor(t.Context(), mockserver.Match{Outcome: mockserver.Pending}, 1); err != nil {
				t.Fatal(err)
			}
			tt.meanwhile(srv, rt, key)
			srv.Clock().Advance(time.Hour)
			wg.Wait()
			entries, counts := outcomes(srv)
			if d := cmp.Diff(tt.entries, entries) + cmp.Diff(tt.counts, counts); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestAFaultDoesNotRecordAForeignKeyEither(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	srv.Inject(mockserver.Match{}, mockserver.Status(503, "down"))
	r := newRequest(t, mockserver.IMKIT, "POST", "/admin/clients?a=b", `{"_id":"u1"}`)
	r.Header.Set("IM-API-KEY", foreignKey)
	call(t, srv.Transport(), r)
	got := srv.Requests(mockserver.Match{})
	if len(got) != 1 || len(got[0].Header) != 0 || got[0].Query != "" || got[0].Body != "" {
		t.Errorf("recorded: %+v", got)
	}
}

func TestLongValuesAreCutInTheJournal(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithJournal(10, 1<<20))
	words := strings.Repeat("lorem fitsum ", 1<<13) // 106 kB
	r := newRequest(t, mockserver.IMKIT, "POST", "/admin/clients?q="+strings.Repeat("w+", 1<<13), `{"_id":"u1","description":"`+words+`"}`)
	r.Header.Set("User-Agent", words)
	srv.Keys().Issue(mockserver.IMKIT).Apply(r)
	call(t, srv.Transport(), r)
	x := srv.Requests(mockserver.Match{})[0]
	if len(x.Query) > 5<<10 || len(x.Body) > 17<<10 || len(x.Header.Get("User-Agent")) > 5<<10 || !strings.HasSuffix(x.Body, "[cut]") {
		t.Errorf("query %d, body %d, header %d", len(x.Query), len(x.Body), len(x.Header.Get("User-Agent")))
	}
}
