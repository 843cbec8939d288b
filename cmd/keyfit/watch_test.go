package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/mockserver"
)

const (
	oldFP, newFP = "0123456789ab", "ba9876543210"
	hasOld       = `{"provider":"imkit","current":{"generation":1,"fingerprint":"` + oldFP + `","last_used":"2027-01-31T12:00:00Z"}}`
	hasBoth      = `{"provider":"imkit","current":{"generation":2,"fingerprint":"` + newFP + `"},"previous":{"generation":1,"fingerprint":"` + oldFP + `","last_used":"2027-01-31T12:00:05Z","in_flight":2}}`
	hasNew       = `{"provider":"imkit","current":{"generation":2,"fingerprint":"` + newFP + `"},"safe_to_revoke":["` + oldFP + `"]}`
)

func TestWatchEndsWhenTheOldKeyIsReleased(t *testing.T) {
	t.Parallel()
	one, two := script(t, hasOld, hasOld, hasBoth, hasNew), script(t, hasOld, "", "nonsense", hasNew)
	args := []string{"watch", one.URL + "/keys?token=c4n4rY", strings.Replace(two.URL, "http://", "http://user:c4n4rY@", 1), "--every", "5ms", "--old", oldFP}
	got := runKeyfit(t, nil, args...)
	if got.code != 0 || got.err != "" || strings.Contains(got.out, "c4n4rY") || strings.Contains(got.out, "\x1b") {
		t.Fatalf("%+v", got)
	}
	var lines []string
	for line := range strings.Lines(got.out) {
		if _, said, ok := strings.Cut(strings.TrimSpace(line), "  "+one.URL+"/keys: "); ok {
			lines = append(lines, said)
		}
		if _, said, ok := strings.Cut(strings.TrimSpace(line), "  "+two.URL+": "); ok {
			lines = append(lines, said)
		}
	}
	want := []string{
		"generation 1, " + oldFP + " is current; uses the old key",
		"generation 1, " + oldFP + " is current; uses the old key",
		"answers 502 Bad Gateway",
		"generation 2, " + newFP + " is current; 2 calls with " + oldFP + " are in flight",
		"the answer is not the JSON of a Keyring.Status()",
		"generation 2, " + newFP + " is current; released",
		"generation 2, " + newFP + " is current; released",
	}
	if d := cmp.Diff(want, lines); d != "" {
		t.Errorf("(-want +got):\n%s\n%s", d, got.out)
	}
	for _, part := range []string{"\nREPLICA ", "\n✓ all 2 replicas have released " + oldFP + ": safe to revoke\n", "\n→ revoke at imkit: "} {
		if !strings.Contains(got.out, part) {
			t.Errorf("%q is missing:\n%s", part, got.out)
		}
	}
}

func TestWatchForAProgram(t *testing.T) {
	t.Parallel()
	srv := script(t, hasOld, hasBoth, hasNew)
	got := runKeyfit(t, nil, "watch", srv.URL, "--every", "5ms", "--old", oldFP, "--json")
	var found []watchEvent
	for line := range strings.Lines(got.out) {
		var e watchEvent
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Time.IsZero() {
			t.Fatalf("%v: %s", err, line)
		}
		e.Time, e.Text = time.Time{}, ""
		found = append(found, e)
	}
	no, yes := false, true
	want := []watchEvent{
		{Event: "replica", Replica: srv.URL, Provider: "imkit", Generation: 1, Current: oldFP, LastUsed: time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC), Released: &no},
		{Event: "replica", Replica: srv.URL, Provider: "imkit", Generation: 2, Current: newFP, Previous: oldFP, OldLastUsed: time.Date(2027, 1, 31, 12, 0, 5, 0, time.UTC), InFlight: 2, Released: &no},
		{Event: "replica", Replica: srv.URL, Provider: "imkit", Generation: 2, Current: newFP, Released: &yes},
		{Event: "safe", Old: []string{oldFP}, Replicas: 1},
	}
	if d := cmp.Diff(want, found); d != "" || got.code != 0 || got.err != "" {
		t.Errorf("%+v (-want +got):\n%s", got, d)
	}
}

// What keeps the old key from being safe, and how the watch ends then.
func TestWatchSaysWhatIsInTheWay(t *testing.T) {
	t.Parallel()
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	for name, tt := range map[string]struct {
		answer string
		args   []string
		want   string
	}{
		"used":          {hasOld, []string{"--old", oldFP}, "uses the old key"},
		"another new":   {hasNew, []string{"--new", "0000456789ab"}, "uses another key than 0000456789ab"},
		"too few":       {hasNew, []string{"--replicas", "2"}, "1 of 2 replicas answer"},
		"no status":     {`{"status":"up"}`, nil, "reports no key"},
		"another":       {hasNew, []string{"--vendor", "optimove"}, "reports no key of optimove"},
		"a lie":         {strings.Replace(hasNew, `["`+oldFP, `["`+newFP, 1), nil, "contradicts itself"},
		"a key in it":   {`{"current":{"generation":1,"fingerprint":"sk_live_c4n4rYc4n4rY12"}}`, nil, "its current key has no fingerprint"},
		"a key as name": {`{"provider":"sk_live_c4n4rYc4n4rY12","current":{"generation":1,"fingerprint":"` + oldFP + `"}}`, []string{"--old", oldFP}, "uses the old key"},
		"escapes":       {"{\"provider\":\"\\u001b[31m\",\"current\":{\"generation\":1,\"fingerprint\":\"" + oldFP + "\"}}", []string{"--old", oldFP}, "uses the old key"},
		"down":          {"down", nil, "connection refused"},
		"another page":  {"", nil, "answers 502 Bad Gateway"},
	} {
		address := down.URL
		if tt.answer != "down" {
			address = script(t, tt.answer).URL
		}
		for _, mode := range [][]string{{"--once"}, {"--for", "40ms", "--every", "10ms"}, {"--once", "--json"}} {
			got := runKeyfit(t, nil, slices.Concat([]string{"watch", address}, mode, tt.args)...)
			if got.code != cli.ExitFailure || !strings.Contains(got.err, "not safe to revoke") || !strings.Contains(got.err, tt.want) || strings.Count(got.err, "\n") != 1 ||
				strings.Contains(got.out+got.err, "c4n4rY") || strings.Contains(got.out, "\x1b") || got.out == "" {
				t.Errorf("%s, %v: %+v", name, mode, got)
			}
		}
	}
	for _, line := range []string{"watch", "watch c4n4rYc4n4rY0123", "watch ftp://x/", "watch http://", "watch http://127.0.0.1:1 c4n4rYc4n4rY0123"} {
		if got := runKeyfit(t, nil, strings.Fields(line)...); got.code != cli.ExitUsage || strings.Contains(got.err, "c4n4rY") {
			t.Errorf("%s: %+v", line, got)
		}
	}
}

// Real clients of the mock behind one name, as the pods of a headless Service: they take the new
// key one after the other, under load, and the watch ends when the last one has released the old.
func TestWatchOfRealReplicasBehindOneName(t *testing.T) {
	t.Parallel()
	mock := mockserver.New(t)
	old, next := mock.Keys().Issue(mockserver.IMKIT).Secret.Reveal(), mock.Keys().Issue(mockserver.IMKIT).Secret.Reveal()
	var rings [3]*keyfit.Keyring
	var current atomic.Int32 // a replica's, by its address
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i := int(current.Add(1)-1) % len(rings)
		_ = json.NewEncoder(w).Encode(rings[i].Status())
	}))
	defer srv.Close()
	var servers []string
	for i := range rings {
		c, err := keyfit.New(keyfit.IMKIT(""), keyfit.WithKey(old), keyfit.WithBaseURL(mock.BaseURL(mockserver.IMKIT)), keyfit.WithoutDotEnv(), keyfit.DrainTime(20*time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		rings[i] = c.Keys()
		status := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(c.Keys().Status()) }))
		defer status.Close()
		servers = append(servers, status.URL)
		call := func() {
			if _, err := keyfit.Get[struct{}](t.Context(), c, "/admin/connection-count"); err != nil {
				t.Error(err)
			}
		}
		call()
		go func() {
			if err := c.Keys().Rotate(t.Context(), keyfit.APIKey(next)); err != nil {
				t.Error(err)
			}
			call()
		}()
	}
	got := runKeyfit(t, nil, append([]string{"watch", "--every", "5ms", "--old", fingerprint(old), "--new", fingerprint(next), "--for", "20s"}, servers...)...)
	if got.code != 0 || !strings.Contains(got.out, "✓ all 3 replicas have released "+fingerprint(old)) {
		t.Errorf("%+v", got)
	}
	// One address in place of three: what the balancer shows is not taken for all.
	if got := runKeyfit(t, nil, "watch", srv.URL, "--replicas", "3", "--every", "5ms", "--for", "50ms"); got.code != cli.ExitFailure || !strings.Contains(got.err, "1 of 3 replicas answer") {
		t.Errorf("a balancer: %+v", got)
	}
}

// A name with several addresses, in watch and in rotate.
func TestEveryAddressOfANameIsWatched(t *testing.T) {
	t.Parallel()
	w := newRotateWorld(t, mockserver.IMKIT)
	status := strings.NewReplacer(oldFP, fingerprint(w.old), newFP, fingerprint(w.next)).Replace(hasNew)
	srv := script(t, status)
	port := srv.URL[strings.LastIndex(srv.URL, ":"):]
	var looked atomic.Int32
	lookup := func(context.Context, string) ([]netip.Addr, error) {
		if looked.Add(1) == 1 { // a pod that goes: it does not answer, and then the name has it no more
			return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.1.2.3")}, nil
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	var out, errs strings.Builder
	code := run(t.Context(), []string{"watch", "http://shop.prod.svc" + port + "/keys", "--every", "5ms"}, cli.Terminal{
		In: strings.NewReader(""), Out: &out, Err: &errs, Env: func(string) (string, bool) { return "", false }, Lookup: lookup,
	})
	for _, part := range []string{
		"http://127.0.0.1" + port + "/keys (shop.prod.svc): generation 2", "http://127.1.2.3" + port + "/keys (shop.prod.svc): no answer: ",
		"http://127.1.2.3" + port + "/keys (shop.prod.svc): gone: the name has this address no more", "✓ the replica has released ",
	} {
		if code != 0 || !strings.Contains(out.String(), part) {
			t.Errorf("%q is missing, exit code %d:\n%s%s", part, code, out.String(), errs.String())
		}
	}
	looked.Store(0)
	out.Reset()
	code = run(t.Context(), []string{"rotate", "imkit", "-", "--yes", "--dotenv", w.dotenv, "--watch", "http://shop.prod.svc" + port + "/keys", "--watch-every", "5ms"}, cli.Terminal{
		In: strings.NewReader(w.next), Out: &out, Err: &errs, Env: func(string) (string, bool) { return "", false }, Lookup: lookup,
	})
	for _, part := range []string{"127.1.2.3" + port + "/keys (shop.prod.svc): gone", "✓ unused "} {
		if code != 0 || !strings.Contains(out.String(), part) {
			t.Errorf("rotate: %q is missing, exit code %d:\n%s%s", part, code, out.String(), errs.String())
		}
	}
	w.quiet(t, out.String())
}

// Whatever a replica answers, nothing of it that is no fingerprint, number or time is printed.
func TestWatchPrintsNothingThatAReplicaMakesUp(t *testing.T) {
	t.Parallel()
	const secret = "c4n4rYc4n4rYc4n4rY0123456789"
	status := map[string]any{"provider": secret, "safe_to_revoke": []string{secret}, "source": map[string]any{"stale": true, "error": secret}, "x": secret}
	for _, name := range []string{"current", "previous", "staged"} {
		status[name] = map[string]any{"generation": 1, "fingerprint": secret, "state": secret, "place": secret, "version": secret}
	}
	data, err := json.Marshal([]any{status})
	if err != nil {
		t.Fatal(err)
	}
	srv := script(t, string(data))
	var group sync.WaitGroup
	for _, args := range [][]string{{"--once"}, {"--once", "--json"}, {"--for", "30ms", "--every", "5ms"}, {"--once", "--old", oldFP}} {
		group.Go(func() {
			got := runKeyfit(t, nil, append([]string{"watch", srv.URL}, args...)...)
			if text := fmt.Sprint(got.out, got.err); strings.Contains(text, "c4n4rY") {
				t.Errorf("%v: %s", args, text)
			}
		})
	}
	group.Wait()
}
