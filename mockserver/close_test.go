package mockserver_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyfit/keyfit/mockserver"
)

// hanging are the faults in which a handler waits.
func hanging() []mockserver.Fault {
	return []mockserver.Fault{
		mockserver.HangHeaders(), mockserver.Stall(), mockserver.Latency(time.Hour),
		mockserver.SlowBody(1, time.Hour), mockserver.Body(-1),
	}
}

// goroutines returns the stacks of those that a labelled goroutine started,
// and their children, less the one that asks.
func goroutines(label string) string {
	var b bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&b, 1)
	var out []string
	for stack := range strings.SplitSeq(b.String(), "\n\n") {
		if strings.Contains(stack, `"leak":"`+label+`"`) && !strings.Contains(stack, "mockserver_test.goroutines") {
			out = append(out, stack)
		}
	}
	return strings.Join(out, "\n\n")
}

// atWork returns the stacks of handlers, less those that an abort unwinds: their deferred
// functions have run, and the frames below the panic are on the stack until it ends.
func atWork(stacks string) string {
	var out []string
	for stack := range strings.SplitSeq(stacks, "\n\n") {
		if strings.Contains(stack, "mockserver.(*exchange)") && !strings.Contains(stack, "mockserver.faultWire.Abort") {
			out = append(out, stack)
		}
	}
	return strings.Join(out, "\n\n")
}

// until waits for a condition. A machine with better things to do gets a minute:
// the test is about whether, not when.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick, end := time.NewTicker(time.Millisecond), time.After(time.Minute)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("after a minute still not: %s", what)
		}
	}
}

func TestCloseJoinsEverything(t *testing.T) {
	t.Parallel()
	for wireName, w := range wires() {
		t.Run(wireName, func(t *testing.T) {
			t.Parallel()
			label := "close " + wireName
			pprof.Do(t.Context(), pprof.Labels("leak", label), func(ctx context.Context) {
				srv := mockserver.New(t, append(w.opts, mockserver.WithFrozenClock(epoch))...)
				key := srv.Keys().Issue(mockserver.IMKIT)
				var clients sync.WaitGroup
				for _, f := range hanging() {
					client, origin := w.client(srv)
					look(ctx, client, origin, key) // leaves an idle connection
					i := srv.Inject(mockserver.Match{}, f)
					clients.Go(func() { look(ctx, client, origin, key) })
					until(t, "a request meets the fault", func() bool { return i.Hits() > 0 })
					i.Remove()
				}
				silent(t, srv)
				start := time.Now()
				if err := srv.Close(); err != nil {
					t.Error(err)
				}
				// Close gives up after 5 s: on a machine that needs them this says nothing.
				if left := atWork(goroutines(label)); time.Since(start) < 5*time.Second && left != "" {
					t.Errorf("a handler outlives Close:\n%s", left)
				}
				clients.Wait()
				left := ""
				defer func() {
					if left != "" {
						t.Errorf("left:\n%s", left)
					}
				}()
				until(t, "every goroutine has ended", func() bool { left = goroutines(label); return left == "" })
			})
		})
	}
}

// silent connects and says nothing, over TLS not even hello.
func silent(t *testing.T, srv *mockserver.Server) {
	t.Helper()
	_, addr, _ := strings.Cut(srv.BaseURL(mockserver.Imin), "//")
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
}

// The bubble ends only when every goroutine of it has ended.
func TestCloseLeavesNothingInABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
		rt, key := srv.Transport(), srv.Keys().Issue(mockserver.IMKIT)
		for _, f := range hanging()[:4] { // an endless body never rests
			i := srv.Inject(mockserver.Match{}, f)
			go look(t.Context(), &http.Client{Transport: rt}, "https://your-app.imkit.io", key)
			synctest.Wait()
			i.Remove()
		}
		start := time.Now()
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("Close waited %s", took)
		}
	})
}

func TestARequestAfterCloseFails(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	url, client, rt, key := srv.BaseURL(mockserver.IMKIT), srv.Client(), srv.Transport(), srv.Keys().Issue(mockserver.IMKIT)
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	for _, c := range []*http.Client{client, {Transport: rt}} {
		if met := look(t.Context(), c, url, key); !strings.HasPrefix(met, "do: ") {
			t.Errorf("met %s", met)
		}
	}
}

// A handler that waits for its own logger must not make Close wait for ever;
// everybody else's logger is not the mock's to join.
func TestCloseDoesNotWaitForALoggerForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		srv := mockserver.New(t, mockserver.WithLogger(stuckLogger(stuck)))
		rt := srv.Transport()
		go func() {
			r := newRequest(t, mockserver.IMKIT, "GET", "/", "")
			if res, err := rt.RoundTrip(r); err == nil {
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
		}()
		synctest.Wait()
		start := time.Now()
		_ = srv.Close()
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("Close waited %s", took)
		}
		close(stuck)
	})
}
