package keyfit_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
)

// When whoever used a ring is gone, nothing of it runs on. Each case ends in the midst of
// something: in a synctest bubble the goroutines of this test, and of no other, are told by
// the runtime, and the longest wait costs nothing.
func TestNothingRunsOnWhenItsUserIsGone(t *testing.T) {
	t.Parallel()
	for name, midst := range map[string]func(t *testing.T, s *leakScene){
		"at rest":     func(*testing.T, *leakScene) {},
		"calls held":  func(t *testing.T, s *leakScene) { t.Helper(); s.revoke(t) },
		"source gone": func(t *testing.T, s *leakScene) { t.Helper(); s.revoke(t); watchDo(t, os.Remove(s.path)) },
		"source half new": func(t *testing.T, s *leakScene) {
			t.Helper()
			s.write(t, s.srv.Keys().Issue(mockserver.MindKey).Secret.Reveal()[:20])
		},
		"just rotated": func(t *testing.T, s *leakScene) {
			t.Helper()
			next := s.srv.Keys().Issue(mockserver.MindKey)
			s.write(t, next.Secret.Reveal())
			s.revoke(t)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				s := newLeakScene(t, filepath.Join(dir, "key"))
				ctx, stop := context.WithCancel(t.Context())
				var users sync.WaitGroup
				users.Go(func() { _ = s.client.Keys().Watch(ctx, watchPoll) })
				for range 8 {
					users.Go(func() {
						for ctx.Err() == nil {
							if _, err := keyfit.Get[struct{}](ctx, s.client, "/ping"); err != nil && ctx.Err() == nil {
								t.Errorf("a call failed before it was canceled: %v", err)
							}
							pause(7 * time.Millisecond)
						}
					})
				}
				pause(time.Second)
				midst(t, s)
				pause(watchPoll + 3*time.Millisecond) // in the midst of a reload
				if n := len(bubbleStacks()); n < 8 {
					t.Fatalf("%d goroutines run while the ring is used: the test shows nothing", n)
				}
				stopped := time.Now()
				stop()
				users.Wait()
				if took := time.Since(stopped); took > 20*time.Millisecond {
					t.Errorf("calls and Watch ended %s after they were canceled", took)
				}
				s.client.HTTPClient().CloseIdleConnections()
				watchDo(t, s.srv.Close())
				// A question to the source outlives the call that asked, for others wait for it; but not for long.
				pause(leakReload)
				synctest.Wait()
				if stacks := bubbleStacks(); len(stacks) > 0 {
					t.Errorf("goroutines that run on:\n%s", strings.Join(stacks, "\n\n"))
				}
			})
		})
	}
}

// leakReload is how long a question to the source, and to the provider about what it
// offers, may last.
const leakReload = 30 * time.Second

type leakScene struct {
	srv    *mockserver.Server
	client *keyfit.Client
	path   string
	first  mockserver.Issued
}

func newLeakScene(t *testing.T, path string) *leakScene {
	t.Helper()
	s := &leakScene{srv: mockserver.New(t, mockserver.WithoutRateLimits(), mockserver.WithJournal(0, 0)), path: path}
	s.first = s.srv.Keys().Issue(mockserver.MindKey)
	s.write(t, s.first.Secret.Reveal())
	var err error
	s.client, err = keyfit.New(keyfit.MindKey(), keyfit.WithSource(keyfit.File(path)),
		keyfit.HoldCalls(30*time.Second, 0), keyfit.WithHTTPClient(&http.Client{Transport: s.srv.Transport()}))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *leakScene) write(t *testing.T, key string) {
	t.Helper()
	watchDo(t, os.WriteFile(s.path, []byte(key+"\n"), 0o600))
}

func (s *leakScene) revoke(t *testing.T) {
	t.Helper()
	watchDo(t, s.srv.Keys().Revoke(s.first.ID, "replaced"))
}

// bubbleStacks returns the stacks of the other goroutines of the caller's synctest bubble.
func bubbleStacks() []string {
	all := make([]byte, 8<<20)
	stacks := strings.Split(string(all[:runtime.Stack(all, true)]), "\n\n") // the caller's own is the first
	bubble := regexp.MustCompile(`synctest bubble \d+`).FindString(stacks[0])
	var others []string
	for _, stack := range stacks[1:] {
		header, _, _ := strings.Cut(stack, "\n")
		// Two goroutines are of synctest.Test itself, which waits for the others to end.
		if strings.HasSuffix(strings.TrimRight(header, "]:"), bubble) && !strings.Contains(stack, "testing/synctest.Test") {
			others = append(others, stack)
		}
	}
	return others
}

// A turn of Watch that was due while its last question was still open is not taken once its
// context has ended: whoever waited for Watch may then remove the file.
func TestWatchAsksNothingAfterItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for range 50 { // select takes either of two that are ready
			ctx, cancel := context.WithCancel(t.Context())
			asked := 0
			ring, _ := newRing(t, keyfit.SourceFunc(func(context.Context) (keyfit.Credential, error) {
				if asked++; asked > 1 {
					pause(3 * watchPoll / 2)
					cancel()
				}
				return keyfit.APIKey("watched"), nil
			}))
			if err := ring.Watch(ctx, watchPoll); !errors.Is(err, context.Canceled) {
				t.Fatalf("want the error of the context, got %v", err)
			}
			pause(3 * watchPoll)
			if asked != 2 {
				t.Fatalf("want a question at the start and one turn, got %d", asked)
			}
		}
	})
}
