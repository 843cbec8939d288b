package keyfit_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
)

// A writer that pauses in the middle for longer than a poll leaves a half value that reads the
// same twice. It is for the provider to say what that is: where the ring has a probe, the
// half is met by the probe and by nothing else; where it has none, the call that meets it
// goes on with the key before it.
func TestAHalfValueThatStandsIsCaughtByTheProvider(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		verifies bool
	}{{"by the probe", true}, {"by a call, which goes on with the key before it", false}}
	for kindName, kind := range watchKinds {
		for _, tt := range tests {
			t.Run(kindName+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				synctest.Test(t, func(t *testing.T) {
					srv := mockserver.New(t, mockserver.WithoutRateLimits(), mockserver.WithJournal(0, 0))
					path, wire := filepath.Join(dir, kind.name), &slowWire{next: srv.Transport(), sent: map[string]string{}}
					issue := func() string { return srv.Keys().Issue(mockserver.MindKey).Secret.Reveal() }
					keys := []string{issue()}
					watchDo(t, os.WriteFile(path, []byte(kind.content(keys[0])), 0o600))
					events := &ringEvents{}
					c := slowClient(t, kind.source(path), wire, events, tt.verifies)
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					go func() { _ = c.Keys().Watch(ctx, watchPoll) }()
					wait := watchCalls(ctx, t, c, slowCall, watchPoll/2)

					begin, halves := time.Now(), 0
					for n := 1; n <= watchTurns(); n++ {
						watchTurn(begin, n)
						keys = append(keys, issue())
						f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0o600)
						watchDo(t, err)
						watchHalves(t, f, kind.content(keys[n]), 5*watchPoll/4)
						pause(2 * watchPoll)
						if got := currentKey(t, c.Keys()); got != keys[n] {
							t.Fatalf("two polls after key %d was written the ring uses %q", n, got)
						}
					}
					cancel()
					calls := wait()
					for key, path := range wire.sent {
						switch {
						case slices.Contains(keys, key):
						case tt.verifies && path != keyfit.MindKey().Probe:
							t.Errorf("a call of %s carried half a key", path)
						default:
							halves++
						}
					}
					if halves < watchTurns() || calls < 5*watchTurns() {
						t.Errorf("the provider met %d half keys in %d calls: the test shows nothing", halves, calls)
					}
					if diff := cmp.Diff(watchPrints(keys), watchPromoted(events)); tt.verifies && diff != "" {
						t.Errorf("keys that became current, in order (-want +got):\n%s", diff)
					}
				})
			})
		}
	}
}

// slowCall differs from what the probe asks for.
const slowCall = "/ping?call"

// slowWire notes with which key which path was asked last.
type slowWire struct {
	next http.RoundTripper
	mu   sync.Mutex
	sent map[string]string
}

func (w *slowWire) RoundTrip(req *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.sent[strings.TrimPrefix(req.Header.Get("Authorization"), "ApiKey-v2 ")] = req.URL.RequestURI()
	w.mu.Unlock()
	return w.next.RoundTrip(req)
}

// slowClient is a client whose ring verifies offers with the provider's probe, or one whose
// ring cannot.
func slowClient(t *testing.T, src keyfit.Source, wire http.RoundTripper, events *ringEvents, verifies bool) *keyfit.Client {
	t.Helper()
	p := keyfit.MindKey()
	if !verifies {
		p.Probe = ""
	}
	c, err := keyfit.New(p, keyfit.WithSource(src), keyfit.WithHTTPClient(&http.Client{Transport: wire}), keyfit.WithHooks(keyfit.Hooks{Key: events.add}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}
