package keyfit_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyfit/keyfit"
)

// watchPoll is how often the ring looks at the file in these tests.
const watchPoll = time.Second

// pause passes fake time; the files of these tests are real.
func pause(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // fake time

// watchWriters replace the content of a file in the ways that people, editors, container
// runtimes and agents do. Each ends when the new content is there.
var watchWriters = map[string]func(t *testing.T, path, content string){
	"written in one go": func(t *testing.T, path, content string) {
		t.Helper()
		watchDo(t, os.WriteFile(path, []byte(content), 0o600))
	},
	"renamed over": func(t *testing.T, path, content string) {
		t.Helper()
		watchDo(t, os.WriteFile(path+".tmp", []byte(content), 0o600))
		watchDo(t, os.Rename(path+".tmp", path))
	},
	"moved away, then written anew": func(t *testing.T, path, content string) {
		t.Helper()
		watchDo(t, os.Rename(path, path+"~"))
		pause(3 * time.Millisecond)
		watchDo(t, os.WriteFile(path, []byte(content), 0o600))
	},
	// The atomic writer of a kubelet: key -> ..data/key, ..data -> ..<time>.
	"symlink swapped, as Kubernetes does": func(t *testing.T, path, content string) {
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
	"truncated, then written in halves": func(t *testing.T, path, content string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0o600)
		watchDo(t, err)
		for _, half := range []string{content[:len(content)/2], content[len(content)/2:]} {
			pause(4 * time.Millisecond)
			_, err = f.WriteString(half)
			watchDo(t, err)
		}
		watchDo(t, f.Close())
	},
	"overwritten in place, half by half": func(t *testing.T, path, content string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_WRONLY, 0o600)
		watchDo(t, err)
		for _, half := range []string{content[:len(content)/2], content[len(content)/2:]} {
			_, err = f.WriteString(half)
			watchDo(t, err)
			pause(4 * time.Millisecond)
		}
		watchDo(t, f.Close())
	},
	"empty for a while": func(t *testing.T, path, content string) {
		t.Helper()
		watchDo(t, os.Truncate(path, 0))
		pause(5 * watchPoll / 2)
		watchDo(t, os.WriteFile(path, []byte(content), 0o600))
	},
	"deleted and made again": func(t *testing.T, path, content string) {
		t.Helper()
		watchDo(t, os.Remove(path))
		pause(5 * watchPoll / 2)
		watchDo(t, os.WriteFile(path, []byte(content), 0o600))
	},
}

func watchDo(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The writers begin at every millisecond around a poll, so that each state of the file is
// met by one.
func TestAWatchedFileIsNeverReadHalf(t *testing.T) {
	t.Parallel()
	kinds := map[string]struct {
		name    string
		content func(key string) string
		source  func(path string) keyfit.Source
	}{
		"file": {"key", func(key string) string { return key + "\n" }, keyfit.File},
		".env": {
			".env",
			func(key string) string { return "A=1\nIMKIT_API_KEY=" + key + "\nB=2\n" },
			func(path string) keyfit.Source { return keyfit.DotEnv(path, "IMKIT_API_KEY") },
		},
	}
	for kindName, kind := range kinds {
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

					begin, genuine := time.Now(), map[string]bool{keyfit.APIKey(watchKey(0)).Fingerprint(): true}
					for n := 1; n <= 25; n++ {
						genuine[keyfit.APIKey(watchKey(n)).Fingerprint()] = true
						poll := begin.Add(time.Since(begin).Truncate(watchPoll) + 2*watchPoll)
						pause(time.Until(poll.Add(time.Duration(n-13) * time.Millisecond)))
						write(t, path, kind.content(watchKey(n)))
						pause(2 * watchPoll)
						if got := currentKey(t, ring); got != watchKey(n) {
							t.Fatalf("two polls after key %d was written the ring uses %q", n, got)
						}
					}
					if got := ring.Status().Current.Generation; got != 26 {
						t.Errorf("want 26 generations, one for each key, got %d", got)
					}
					for _, e := range events.list {
						if e.Kind == keyfit.KeyPromoted && !genuine[e.Fingerprint] {
							t.Errorf("a key that never was one became current at %s", e.Time.Sub(begin))
						}
					}
				})
			})
		}
	}
}

// watchKey is the nth key; all are of one length, and no part is the same in two.
func watchKey(n int) string { return strings.Repeat(fmt.Sprintf("%02d", n), 32) }

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
