package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/joho/godotenv"
	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/mockserver"
)

// script answers with one text after the other, the last one for ever.
func script(t *testing.T, answers ...string) *httptest.Server {
	t.Helper()
	var asked atomic.Int64 // each question has a connection of its own, and so a goroutine
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer := answers[min(int(asked.Add(1)), len(answers))-1]
		if answer == "" {
			w.WriteHeader(http.StatusBadGateway)
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(srv.Close)
	return srv
}

func TestRotateWatchesUntilEveryReplicaHasReleasedTheOldKey(t *testing.T) {
	t.Parallel()
	w := newRotateWorld(t, mockserver.IMKIT)
	fill := strings.NewReplacer("OLD", fingerprint(w.old), "NEW", fingerprint(w.next))
	status := func(text string) string { return fill.Replace(text) }
	first := script(t,
		status(`{"provider":"imkit","current":{"generation":3,"fingerprint":"OLD","in_flight":4}}`),
		status(`{"provider":"imkit","current":{"generation":3,"fingerprint":"OLD"},"staged":{"fingerprint":"NEW","state":"rejected"}}`),
		status(`{"provider":"imkit","current":{"generation":3,"fingerprint":"OLD"},"source":{"stale":true,"error":"x"}}`), "", "nonsense",
		status(`{"provider":"imkit","current":{"generation":4,"fingerprint":"NEW"},"previous":{"generation":3,"fingerprint":"OLD","in_flight":2,"last_used":"2027-01-31T12:00:00Z"}}`),
		status(`{"provider":"imkit","current":{"generation":4,"fingerprint":"NEW"},"safe_to_revoke":["OLD"]}`))
	second := script(t, status(`[{"provider":"imin","current":{"generation":9,"fingerprint":"OLD"}},{"provider":"imkit","current":{"generation":2,"fingerprint":"0ther"}},{"provider":"imkit","current":{"generation":1,"fingerprint":"NEW"}}]`))
	got := w.rotate(t, w.next, "imkit", "-", "--yes", "--watch-every", "5ms", "--watch", first.URL+"/keys?token=c4n4rY", "--watch", second.URL)
	if got.code != 0 || strings.Contains(got.out, "c4n4rY") {
		t.Fatalf("%+v", got)
	}
	at := "… watching    " + first.URL + "/keys: "
	want := []string{
		at + status("generation 3, OLD is current, which is the old key"),
		at + status("generation 3, OLD is current, which is the old key; NEW is rejected"),
		at + status("generation 3, OLD is current, which is the old key; it cannot read its key source"),
		at + "answers 502 Bad Gateway", at + "the answer is not the JSON of a Keyring.Status()",
		at + status("generation 4, NEW is current; old key: 2 in flight, last used 2027-01-31 12:00:00Z"),
		at + status("generation 4, NEW is current; the old key is released"),
		"✓ unused      " + status("OLD: it is safe to revoke the old key"),
	}
	var said []string
	for line := range strings.Lines(got.out) {
		if strings.HasPrefix(line, at) || strings.HasPrefix(line, "✓ unused") {
			said = append(said, strings.TrimSpace(line))
		}
	}
	if d := cmp.Diff(want, said); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if strings.Count(got.out, second.URL) != 1 {
		t.Errorf("what does not change is told once:\n%s", got.out)
	}
}

func TestRotateSaysThatTheOldKeyIsStillUsed(t *testing.T) {
	t.Parallel()
	var rotations sync.WaitGroup // at the same time: each waits until its --timeout is over
	for name, status := range map[string]string{
		"used": `{"current":{"generation":3,"fingerprint":"OLD"}}`,
		// It went back to the old key after it had named it.
		"taken back":        `{"current":{"generation":5,"fingerprint":"OLD"},"safe_to_revoke":["OLD"]}`,
		"held as a reserve": `{"current":{"generation":1,"fingerprint":"NEW"},"previous":{"generation":0,"fingerprint":"OLD"}}`,
		"not yet named":     `{"current":{"generation":4,"fingerprint":"NEW"}}`,
		"another vendor":    `{"provider":"imin","current":{"generation":1,"fingerprint":"NEW"}}`,
		"nothing":           `{}`,
	} {
		w := newRotateWorld(t, mockserver.IMKIT)
		srv := script(t, strings.NewReplacer("OLD", fingerprint(w.old), "NEW", fingerprint(w.next)).Replace(status))
		before := dirNames(t, w.dir)
		rotations.Go(func() {
			got := w.run(t, nil, w.next, "imkit", "-", "--yes", "--watch-every", "5ms", "--timeout", "1s", "--watch", srv.URL)
			if got.code != cli.ExitFailure || !strings.Contains(got.err, "the old key "+fingerprint(w.old)+" was still in use after 1s, or nobody could say; the new key is in ") ||
				!strings.Contains(got.err, "do not revoke the old one yet") || strings.Contains(got.out, "safe to revoke the old key") {
				t.Errorf("%s: %+v", name, got)
			}
		})
		t.Cleanup(func() {
			if !strings.Contains(w.content(t), w.next) {
				t.Errorf("%s: the new key is not there", name)
			}
			if d := cmp.Diff(before, dirNames(t, w.dir)); d != "" {
				t.Errorf("%s: files (-before +after):\n%s", name, d)
			}
		})
	}
	rotations.Wait()
}

// issueIMKIT has a running mock issue a key.
func issueIMKIT(t *testing.T, env map[string]string) string {
	t.Helper()
	return strings.TrimSpace(runKeyfit(t, env, "keys", "issue", "imkit", "-q").out)
}

// newRotateWorldAt is a world whose old and new key are of a running mock.
func newRotateWorldAt(t *testing.T, env map[string]string) *rotateWorld {
	t.Helper()
	w := &rotateWorld{dir: t.TempDir()}
	w.dotenv = filepath.Join(w.dir, ".env")
	w.old, w.next = issueIMKIT(t, env), issueIMKIT(t, env)
	w.secrets = []string{w.old, w.next}
	w.put(t, "IMKIT_API_KEY="+w.old+"\nIMKIT_BASE_URL="+env["IMKIT_BASE_URL"]+"\n")
	return w
}

func TestRotateAtAMockWatchesAndRevokes(t *testing.T) {
	t.Parallel()
	env := mockFor(t)
	w := newRotateWorldAt(t, env)
	ask := func(key string) int { return imkitStatus(t, env["IMKIT_BASE_URL"], key) }
	type use struct{ begin, end time.Time }
	used := make(chan []use)
	go func() { // somebody who does not know of the rotation yet
		turn := time.NewTicker(5 * time.Millisecond)
		defer turn.Stop()
		var all []use
		for range 60 {
			<-turn.C
			u := use{begin: time.Now()}
			ask(w.old)
			u.end = time.Now()
			all = append(all, u)
		}
		used <- all
	}()
	got := w.rotateIn(t, env, w.next, "imkit", "-", "--yes", "--json", "--mock", "--revoke", "--drain-time", "100ms", "--watch-every", "10ms")
	found, names := events(t, got.out)
	if got.code != 0 || len(names) < 4 || !cmp.Equal(names[len(names)-3:], []string{"unused", "revoked", "done"}) {
		t.Fatalf("%v, %+v", names, got)
	}
	// From the begin of a use to the end of the next is more than what the mock saw between them.
	var quiet time.Duration
	unused, uses := found[len(found)-3].Time, <-used
	for i, u := range uses {
		next := unused
		if i+1 < len(uses) {
			next = uses[i+1].end
		}
		if u.begin.Before(unused) {
			quiet = max(quiet, next.Sub(u.begin))
		}
	}
	if quiet < 100*time.Millisecond {
		t.Errorf("quiet for %s was enough", quiet)
	}
	if old, next := ask(w.old), ask(w.next); old != 401 || next != 200 {
		t.Errorf("the old key is answered %d, the new one %d", old, next)
	}
	// Without --revoke the mock is only looked at; a key that it does not know is said before anything is changed.
	w.secrets = append(w.secrets, issueIMKIT(t, env))
	got = w.rotateIn(t, env, w.secrets[2], "imkit", "-", "--yes", "--mock", "--drain-time", "10ms", "--watch-every", "5ms")
	if got.code != 0 || !strings.Contains(got.out, "at the mock: keyfit keys revoke key_") || ask(w.next) != 200 {
		t.Errorf("%+v", got)
	}
	w.put(t, "IMKIT_API_KEY=another\nIMKIT_BASE_URL="+env["IMKIT_BASE_URL"]+"\n")
	if got = w.rotateIn(t, env, w.next, "imkit", "-", "--yes", "--mock"); got.code != cli.ExitFailure || !strings.Contains(got.err, "does not know the current key") || !strings.HasSuffix(got.err, "nothing was changed\n") {
		t.Errorf("%+v", got)
	}
}

// The vendor's answer is the moment at which somebody else saves the file.
func TestRotateLeavesAFileAloneThatSomebodyElseChanges(t *testing.T) {
	t.Parallel()
	w := newRotateWorld(t, mockserver.IMKIT)
	theirs := w.content(t) + "THEIRS=1\n"
	vendor := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		if err := os.WriteFile(w.dotenv, []byte(theirs), 0o600); err != nil {
			t.Error(err)
		}
		_, _ = rw.Write([]byte("{}"))
	}))
	defer vendor.Close()
	backup := filepath.Join(t.TempDir(), "b")
	got := w.rotate(t, w.next, "imkit", "-", "--yes", "--base-url", vendor.URL, "--backup", backup)
	if got.code != cli.ExitFailure || !strings.Contains(got.err, "was changed by somebody else meanwhile") || w.content(t) != theirs {
		t.Errorf("%+v", got)
	}
	if _, err := os.Stat(backup); err == nil {
		t.Error("a backup was left")
	}
}

// A program that follows the file meets whole keys only, the old one or the new.
func TestAProgramThatFollowsTheFileSeesTheRotation(t *testing.T) {
	t.Parallel()
	w := newRotateWorld(t, mockserver.IMKIT)
	done := make(chan struct{})
	seen := map[string]bool{}
	go func() {
		defer close(done)
		for !seen[w.next] {
			vars, err := godotenv.Read(w.dotenv)
			if err != nil {
				t.Error(err)
				return
			}
			seen[vars["IMKIT_API_KEY"]] = true
		}
	}()
	if got := w.rotate(t, w.next, "imkit", "-", "--yes"); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	<-done
	delete(seen, w.old)
	if len(seen) != 1 {
		t.Errorf("%d other values were read", len(seen)-1)
	}
}

// loadedService follows a .env as a program does, calls the vendor all the time, and tells
// its status over HTTP. stop ends it and returns how many calls it made; one that fails
// fails the test.
func loadedService(t *testing.T, dotenv string) (status string, stop func() int64) {
	t.Helper()
	provider := keyfit.IMKIT("")
	provider.Limit = keyfit.Limit{} // the mock has lifted it too
	c, err := keyfit.New(provider, keyfit.WithSource(keyfit.DotEnv(dotenv, "IMKIT_API_KEY")), keyfit.WithDotEnv(dotenv),
		keyfit.DrainTime(150*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(c.Keys().Status()) }))
	ctx, cancel := context.WithCancel(t.Context())
	var load sync.WaitGroup
	load.Go(func() { _ = c.Keys().Watch(ctx, 20*time.Millisecond) })
	var calls atomic.Int64
	for range 4 {
		load.Go(func() {
			for ctx.Err() == nil {
				if _, err := keyfit.Get[struct{}](t.Context(), c, "/admin/connection-count"); err != nil {
					t.Error(err)
					return
				}
				calls.Add(1)
			}
		})
	}
	return srv.URL, func() int64 {
		cancel()
		load.Wait()
		srv.Close()
		return calls.Load()
	}
}

// The whole of a rotation under load, by what the services say and by what the mock says:
// the old key is revoked as soon as nobody uses it, and no call fails.
func TestNoCallFailsWhileTheKeyIsRotated(t *testing.T) {
	t.Parallel()
	env := mockFor(t, "--log", "off", "--no-rate-limit", "--grace", "100ms")
	w := newRotateWorldAt(t, env)
	one, stopOne := loadedService(t, w.dotenv)
	two, stopTwo := loadedService(t, w.dotenv)
	got := w.rotateIn(t, env, w.next, "imkit", "-", "--yes", "--watch", one, "--watch", two, "--watch-every", "10ms",
		"--mock", "--revoke", "--drain-time", "50ms", "--timeout", "20s")
	for _, part := range []string{"✓ unused ", "✓ revoked ", fingerprint(w.next) + " is current; the old key is released"} {
		if got.code != 0 || !strings.Contains(got.out, part) {
			t.Errorf("%q is missing: %+v", part, got)
		}
	}
	// "Safe" was safe: nobody came with the old key once it was revoked.
	calls := stopOne() + stopTwo()
	if refused := runKeyfit(t, env, "requests", "count", "--outcome", "revoked", "--expect", "0"); refused.code != 0 {
		t.Errorf("%+v", refused)
	}
	t.Logf("%d calls", calls)
}
