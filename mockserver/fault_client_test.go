package mockserver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// look sends one GET to IMKIT and names what the client met. Of a body it
// reads a megabyte at most.
func look(ctx context.Context, c *http.Client, origin string, key mockserver.Issued) string {
	return lookTwice(ctx, c, origin, key, func() {})
}

// lookTwice is look; it calls headers between headers and body.
func lookTwice(ctx context.Context, c *http.Client, origin string, key mockserver.Issued, headers func()) string {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, origin+"/admin/connection-count", http.NoBody)
	if err != nil {
		return err.Error()
	}
	key.Apply(r)
	stay := *c
	stay.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := stay.Do(r)
	switch {
	case errors.Is(err, context.Canceled):
		return "do: canceled"
	case err != nil:
		return "do: " + kind(err)
	}
	defer res.Body.Close()
	headers()
	n, err := io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Sprintf("%d, body: canceled", res.StatusCode)
	case err != nil:
		return fmt.Sprintf("%d, body: %s", res.StatusCode, kind(err))
	case n == 1<<20:
		return fmt.Sprintf("%d, endless", res.StatusCode)
	case res.Header.Get("Location") != "":
		return fmt.Sprintf("%d to %s", res.StatusCode, res.Header.Get("Location"))
	}
	return fmt.Sprint(res.StatusCode)
}

// warm leaves a connection that the next request reuses. One request is not
// enough on a busy machine: Go's client drops an HTTP/1 connection whose write
// is not reported done 50 ms after the answer was read.
func warm(t *testing.T, c *http.Client, origin string, key mockserver.Issued, http1 bool) {
	t.Helper()
	for kept := false; !kept; {
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
			PutIdleConn: func(err error) { kept = err == nil }, // before the body's end is told
		})
		if met := look(ctx, c, origin, key); met != "200" {
			t.Fatalf("without a fault: %s", met)
		}
		kept = kept || !http1 // HTTP/2 never gives its connection back
	}
}

// What a client meets on a GET, on a connection of its own and on one that was
// used before. Go's client repeats a GET by itself when a reused connection is
// reset: the caller sees nothing, Counts sees two hits.
func TestFaultsOfAGetOnFreshAndReusedConnections(t *testing.T) {
	t.Parallel()
	type met struct {
		fresh, reused string
		hits          int // on the reused connection
	}
	once, fresh := []mockserver.When{mockserver.First(1)}, []mockserver.When{mockserver.FreshConnectionOnly()}
	tests := map[string]struct {
		fault  mockserver.Fault
		when   []mockserver.When
		h1, h2 met
	}{
		"reset, once": {
			mockserver.ResetBefore(), once,
			met{"do: ECONNRESET", "200", 2},
			met{"do: INTERNAL_ERROR", "do: INTERNAL_ERROR", 1},
		},
		"reset, fresh connections only": {
			mockserver.ResetBefore(), fresh,
			met{"do: ECONNRESET", "200", 1},
			met{"do: INTERNAL_ERROR", "200", 1},
		},
		"reset after the work, fresh connections only": {
			mockserver.ResetAfter(), fresh,
			met{"do: ECONNRESET", "200", 1},
			met{"do: INTERNAL_ERROR", "200", 1},
		},
		"truncation": {
			mockserver.Truncate(10), once,
			met{"200, body: unexpected EOF", "200, body: unexpected EOF", 1},
			met{"200, body: INTERNAL_ERROR", "200, body: INTERNAL_ERROR", 1},
		},
		"redirect": {
			mockserver.Redirect(302, "https://elsewhere.example/x"), once,
			met{"302 to https://elsewhere.example/x", "302 to https://elsewhere.example/x", 1},
			met{},
		},
		"endless body": {mockserver.Body(-1), once, met{"200, endless", "200, endless", 1}, met{}},
		"status":       {mockserver.Status(503, "down"), once, met{"503", "503", 1}, met{}},
		"throttle":     {mockserver.Throttle(time.Minute), once, met{"429", "429", 1}, met{}},
	}
	for wireName, w := range wires() {
		for name, tt := range tests {
			t.Run(wireName+"/"+name, func(t *testing.T) {
				t.Parallel()
				want := tt.h1
				if wireName == "http2" && tt.h2 != (met{}) {
					want = tt.h2
				}
				var got met
				srv := mockserver.New(t, w.opts...)
				client, origin := w.client(srv)
				key := srv.Keys().Issue(mockserver.IMKIT)
				srv.Inject(mockserver.Match{}, tt.fault, tt.when...)
				got.fresh = look(t.Context(), client, origin, key)

				srv = mockserver.New(t, w.opts...)
				client, origin = w.client(srv)
				key = srv.Keys().Issue(mockserver.IMKIT)
				warm(t, client, origin, key, wireName != "http2")
				before := srv.Counts(mockserver.Match{}).Total
				srv.Inject(mockserver.Match{}, tt.fault, tt.when...)
				got.reused = look(t.Context(), client, origin, key)
				got.hits = srv.Counts(mockserver.Match{}).Total - before
				if d := cmp.Diff(want, got, cmp.AllowUnexported(met{})); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
			})
		}
	}
}

// A client that loses patience meets its own error, not the mock's.
func TestStallsOnFreshAndReusedConnections(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault mockserver.Fault
		want  string
	}{
		"before the headers": {mockserver.HangHeaders(), "do: canceled"},
		"within the body":    {mockserver.Stall(), "200, body: canceled"},
		"a delay":            {mockserver.Latency(time.Hour), "do: canceled"},
	}
	for wireName, w := range wires() {
		for name, tt := range tests {
			for _, reused := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/reused %v", wireName, name, reused), func(t *testing.T) {
					t.Parallel()
					srv := mockserver.New(t, append(w.opts, mockserver.WithFrozenClock(epoch))...)
					client, origin := w.client(srv)
					key := srv.Keys().Issue(mockserver.IMKIT)
					before := 0
					if reused {
						before = 1
						if met := look(t.Context(), client, origin, key); met != "200" {
							t.Fatalf("without a fault: %s", met)
						}
					}
					srv.Inject(mockserver.Match{}, tt.fault)
					ctx, lose := context.WithCancel(t.Context())
					met := make(chan string, 1)
					go func() { met <- lookTwice(ctx, client, origin, key, lose) }()
					if _, err := srv.WaitFor(t.Context(), mockserver.Match{}, before+1); err != nil {
						t.Fatal(err)
					}
					if tt.fault.Kind != mockserver.FaultStall { // there the client loses patience after the headers
						lose()
					}
					if got := <-met; got != tt.want {
						t.Errorf("got %s, want %s", got, tt.want)
					}
				})
			}
		}
	}
}
