package keyfit_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// watchPoll is how often the ring looks at the file in these tests.
const watchPoll = 100 * time.Millisecond

// pause passes fake time; the files of these tests are real.
func pause(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // fake time

// watchWriters replace the content of a file in the ways that people, editors, container
// runtimes and agents do; the first six are those of the table in DESIGN's evidence on file
// watchers. Each ends when the new content is there, and none pauses in the middle of it
// for longer than it takes to believe what was read.
var watchWriters = map[string]func(t *testing.T, path, content string){
	// The atomic writer of a kubelet: key -> ..data/key, ..data -> ..<time>.
	"symlink to a directory swapped, as Kubernetes does": func(t *testing.T, path, content string) {
		t.Helper()
		dir, name := filepath.Split(path)
		version := fmt.Sprintf("..%d", time.Now().UnixNano())
		watchDo(t, os.Mkdir(filepath.Join(dir, version), 0o700))
		watchDo(t, os.WriteFile(filepath.Join(dir, version, name), []byte(content), 0o600))
		old, _ := os.Readlink(filepath.Join(dir, "..data"))
		watchDo(t, os.Symlink(version, filepath.Join(dir, "..data_tmp")))
		watchDo(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
		if old == "" {
			watchDo(t, os.Remove(path))
			watchDo(t, os.Symlink(filepath.Join("..data", name), path))
			return
		}
		watchDo(t, os.RemoveAll(filepath.Join(dir, old)))
	},
	"symlink swapped, the old target kept": func(t *testing.T, path, content string) {
		t.Helper()
		target := fmt.Sprintf("%s.%d", path, time.Now().UnixNano())
		watchDo(t, os.WriteFile(target, []byte(content), 0o600))
		watchDo(t, os.Symlink(target, path+".link"))
		watchDo(t, os.Rename(path+".link", path))
	},
	"renamed over": func(t *testing.T, path, content string) {
		t.Helper()
		watchDo(t, os.WriteFile(path+".tmp", []byte(content), 0o600))
		watchDo(t, os.Rename(path+".tmp", path))
	},
	"truncated, then written in halves": func(t *testing.T, path, content string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0o600)
		watchDo(t, err)
		watchHalves(t, f, content, 4*time.Millisecond)
	},
	"moved to a backup, then created, as vim does": func(t *testing.T, path, content string) {
		t.Helper()
		watchDo(t, os.Rename(path, path+"~"))
		pause(3 * time.Millisecond)
		watchDo(t, os.WriteFile(path, []byte(content), 0o600))
	},
	"deleted, then created later": func(t *testing.T, path, content string) {
		t.Helper()
		watchDo(t, os.Remove(path))
		pause(20 * time.Millisecond)
		watchDo(t, os.WriteFile(path, []byte(content), 0o600))
	},
	"deleted, then created after two polls": func(t *testing.T, path, content string) {
		t.Helper()
		watchDo(t, os.Remove(path))
		pause(5 * watchPoll / 2)
		watchDo(t, os.WriteFile(path, []byte(content), 0o600))
	},
	"written in one go": func(t *testing.T, path, content string) {
		t.Helper()
		watchDo(t, os.WriteFile(path, []byte(content), 0o600))
	},
	"overwritten in place, half by half": func(t *testing.T, path, content string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_WRONLY, 0o600)
		watchDo(t, err)
		watchHalves(t, f, content, 4*time.Millisecond)
	},
	"empty for a while": func(t *testing.T, path, content string) {
		t.Helper()
		watchDo(t, os.Truncate(path, 0))
		pause(5 * watchPoll / 2)
		watchDo(t, os.WriteFile(path, []byte(content), 0o600))
	},
}

// watchHalves writes content in two parts, with a pause before each, and closes the file.
func watchHalves(t *testing.T, f *os.File, content string, d time.Duration) {
	t.Helper()
	for _, half := range []string{content[:len(content)/2], content[len(content)/2:]} {
		pause(d)
		_, err := f.WriteString(half)
		watchDo(t, err)
	}
	watchDo(t, f.Close())
}

func watchDo(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// watchKinds are the two sources that a file is for. Half of each content ends within the
// key, so that half a file is a key that looks well-formed.
var watchKinds = map[string]struct {
	name    string
	content func(key string) string
	source  func(path string) keyfit.Source
}{
	"file": {"key", func(key string) string { return key + "\n" }, keyfit.File},
	".env": {
		".env",
		func(key string) string { return "A=1\nMINDKEY_API_KEY=" + key + "\nB=2\n" },
		func(path string) keyfit.Source { return keyfit.DotEnv(path, "MINDKEY_API_KEY") },
	},
}

// watchTurns is how often each writer replaces the file. The turns begin at every quarter
// of a millisecond around a poll in a long run, and at each in a plain run, so that each state
// of the file is met by one.
func watchTurns() int {
	if longRun() {
		return 100
	}
	return 26
}

func watchTurn(begin time.Time, n int) {
	poll := begin.Add(time.Since(begin).Truncate(watchPoll) + 2*watchPoll)
	pause(time.Until(poll.Add(time.Duration(n-watchTurns()/2) * 25 * time.Millisecond / time.Duration(watchTurns()))))
}

// watchCalls calls the path every so often until ctx ends. It returns the function that
// waits for the last of the calls, and tells how many there were.
func watchCalls(ctx context.Context, t *testing.T, c *keyfit.Client, path string, every time.Duration) (wait func() int) {
	t.Helper()
	calls, done := 0, make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			calls++
			if _, err := keyfit.Get[struct{}](t.Context(), c, path); err != nil {
				t.Errorf("a call was lost: %v", err)
			}
			pause(every)
		}
	}()
	return func() int { <-done; return calls }
}

// Nothing but the two equal reads stands between a half value and the provider here: the
// ring has no probe, and the provider takes any key.
func TestAWatchedFileIsNeverReadHalf(t *testing.T) {
	t.Parallel()
	for kindName, kind := range watchKinds {
		for writerName, write := range watchWriters {
			t.Run(kindName+" "+writerName, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				synctest.Test(t, func(t *testing.T) {
					path := filepath.Join(dir, kind.name)
					watchDo(t, os.WriteFile(path, []byte(kind.content(watchKey(0))), 0o600))
					ring, events := newRing(t, kind.source(path))
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					go func() { _ = ring.Watch(ctx, watchPoll) }()
					sent := map[string]bool{}
					wait := watchCalls(ctx, t, watchClient(t, ring, sent), "/ping", watchPoll/5)

					begin, want := time.Now(), []string{watchKey(0)}
					for n := 1; n <= watchTurns(); n++ {
						watchTurn(begin, n)
						write(t, path, kind.content(watchKey(n)))
						pause(2 * watchPoll)
						want = append(want, watchKey(n))
						if got := currentKey(t, ring); got != watchKey(n) {
							t.Fatalf("two polls after key %d was written the ring uses %q", n, got)
						}
					}
					cancel()
					wait()
					if diff := cmp.Diff(want, slices.Sorted(maps.Keys(sent))); diff != "" {
						t.Errorf("keys that the provider saw (-want +got):\n%s", diff)
					}
					if diff := cmp.Diff(watchPrints(want), watchPromoted(events)); diff != "" {
						t.Errorf("keys that became current, in order (-want +got):\n%s", diff)
					}
				})
			})
		}
	}
}

// watchClient is a client whose provider takes any key, and notes it in sent.
func watchClient(t *testing.T, ring *keyfit.Keyring, sent map[string]bool) *keyfit.Client {
	t.Helper()
	wire := roundTripFunc(func(req *http.Request) (*http.Response, error) {
		sent[strings.TrimPrefix(req.Header.Get("Authorization"), "ApiKey-v2 ")] = true
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
	})
	c, err := keyfit.New(keyfit.MindKey(), keyfit.WithSource(ring), keyfit.WithHTTPClient(&http.Client{Transport: wire}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// watchPromoted lists the fingerprints of the keys that became current, in order.
func watchPromoted(events *ringEvents) []string {
	events.mu.Lock()
	defer events.mu.Unlock()
	var list []string
	for _, e := range events.list {
		if e.Kind == keyfit.KeyPromoted {
			list = append(list, e.Fingerprint)
		}
	}
	return list
}

func watchPrints(keys []string) []string {
	list := make([]string, 0, len(keys))
	for _, key := range keys {
		list = append(list, keyfit.APIKey(key).Fingerprint())
	}
	return list
}

// watchKey is the nth key; all are of one length, and no part is the same in two.
func watchKey(n int) string { return strings.Repeat(fmt.Sprintf("%03d", n), 20) }

// A file that is in no good state keeps the last good key, and says so.
func TestAWatchedFileInABadStateKeepsTheKeyAndSaysSo(t *testing.T) {
	t.Parallel()
	states := map[string]func(path string) error{
		"empty":           func(path string) error { return os.Truncate(path, 0) },
		"gone":            os.Remove,
		"a directory":     func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
		"two lines":       func(path string) error { return os.WriteFile(path, []byte("watch\nkey\n"), 0o600) },
		"a dangling link": func(path string) error { return errors.Join(os.Remove(path), os.Symlink("nowhere", path)) },
	}
	for name, spoil := range states {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := sourceFile(t, "key", watchKey(1))
			synctest.Test(t, func(t *testing.T) {
				ring, events := newRing(t, keyfit.File(path))
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				go func() { _ = ring.Watch(ctx, watchPoll) }()
				watchDo(t, spoil(path))
				pause(3 * watchPoll / 2)
				if got := currentKey(t, ring); got != watchKey(1) || !ring.Status().Source.Stale {
					t.Errorf("want the old key and a stale source, got %q, %v", got, ring.Status().Source.Stale)
				}
				last := events.list[len(events.list)-1]
				if last.Kind != keyfit.SourceStale || !strings.HasPrefix(last.Reason, "file "+path+": ") {
					t.Errorf("want an event that names the file, got %+v", last)
				}
			})
		})
	}
}
