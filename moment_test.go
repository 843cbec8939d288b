package keyfit_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// momentClient calls a provider that accepts what the test says.
type momentClient struct {
	*keyfit.Client
	wire  *ringWire
	works []string
}

func newMomentClient(t *testing.T, opts ...keyfit.Option) *momentClient {
	t.Helper()
	m := &momentClient{works: []string{"moment-1"}}
	m.wire = &ringWire{answer: func(key string) int { return accepts(m.works...)(key) }}
	acme := keyfit.Provider{Name: "acme", BaseURL: "https://api.example", Scheme: keyfit.Header("X-API-KEY")}
	c, err := keyfit.New(acme, append([]keyfit.Option{keyfit.WithHTTPClient(&http.Client{Transport: m.wire})}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	m.Client = c
	return m
}

// call makes a call and returns how long it took, and whether it got an answer.
func (m *momentClient) call(ctx context.Context) (took time.Duration, err error) {
	begin := time.Now()
	err = ringGet(ctx, m.Client)
	return time.Since(begin), err
}

// A key that was accepted before and is refused now counts as replaced, where another one can come.
func TestACallWaitsAMomentForTheSuccessorOfItsKey(t *testing.T) {
	file := sourceFile(t, "key", "moment-1\n")
	const atOnce, late = 0, 300 * time.Millisecond
	tests := []struct {
		name    string
		opts    func() []keyfit.Option
		unknown bool // the first key was never accepted
		watch   bool
		want    time.Duration // how long the call takes: to the news, at most a second later
		err     error
	}{
		{"a source of the caller's", func() []keyfit.Option { return []keyfit.Option{keyfit.WithSource(momentSource(late))} }, false, false, late, nil},
		{"a source, watched", func() []keyfit.Option { return []keyfit.Option{keyfit.WithSource(momentSource(late))} }, false, true, late, nil},
		{"a chain", func() []keyfit.Option {
			return []keyfit.Option{keyfit.WithSource(keyfit.Chain(keyfit.Env("MOMENT_NONE"), momentSource(late)))}
		}, false, false, late, nil},
		{"a file", func() []keyfit.Option {
			writeLater(file, late)
			return []keyfit.Option{keyfit.WithSource(keyfit.File(file))}
		}, false, false, late, nil},
		{"a variable that names a file", func() []keyfit.Option {
			writeLater(file, late)
			return []keyfit.Option{keyfit.WithSource(keyfit.Env("MOMENT_FILE_KEY"))}
		}, false, false, late, nil},
		{"a key in the program", func() []keyfit.Option { return []keyfit.Option{keyfit.WithKey("moment-1")} }, false, false, atOnce, keyfit.ErrUnauthorized},
		{"a key in the program, watched", func() []keyfit.Option { return []keyfit.Option{keyfit.WithKey("moment-1")} }, false, true, keyfit.DefaultHold, keyfit.ErrNoUsableKey},
		{"a variable", func() []keyfit.Option { return []keyfit.Option{keyfit.WithSource(keyfit.Env("MOMENT_KEY"))} }, false, false, atOnce, keyfit.ErrUnauthorized},
		{"news after the moment", func() []keyfit.Option { return []keyfit.Option{keyfit.WithSource(momentSource(time.Minute))} }, false, false, keyfit.DefaultHold, keyfit.ErrNoUsableKey},
		{"a key that was never accepted", func() []keyfit.Option { return []keyfit.Option{keyfit.WithSource(momentSource(late))} }, true, true, atOnce, keyfit.ErrUnauthorized},
		{"turned off", func() []keyfit.Option {
			return []keyfit.Option{keyfit.WithSource(momentSource(late)), keyfit.WithoutHoldCalls()}
		}, false, true, atOnce, keyfit.ErrUnauthorized},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("MOMENT_KEY", "moment-1")
			t.Setenv("MOMENT_FILE_KEY_FILE", file)
			writeUnlessEmpty(t, file, "moment-1\n")
			synctest.Test(t, func(t *testing.T) {
				m := newMomentClient(t, tt.opts()...)
				if !tt.unknown {
					if _, err := m.call(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				if tt.watch {
					go func() { _ = m.Keys().Watch(ctx, time.Hour) }()
					synctest.Wait()
				}
				m.works = []string{"moment-2"}
				took, err := m.call(t.Context())
				if most := tt.want + time.Second; took < tt.want || took > most || tt.want == atOnce && took > 50*time.Millisecond || !errors.Is(err, tt.err) {
					t.Errorf("after %s: %v; want %s to %s, and %v", took, err, tt.want, most, tt.err)
				}
				if tt.want == atOnce && errors.Is(err, keyfit.ErrNoUsableKey) {
					t.Errorf("it says that it was held: %v", err)
				}
			})
		})
	}
}

// momentSource has another key after a while, of the clock when it is asked first.
func momentSource(after time.Duration) keyfit.Source {
	var begin time.Time
	return keyfit.SourceFunc(func(context.Context) (keyfit.Credential, error) {
		if begin.IsZero() {
			begin = time.Now()
		}
		if time.Since(begin) >= after {
			return keyfit.APIKey("moment-2"), nil
		}
		return keyfit.APIKey("moment-1"), nil
	})
}

func writeLater(path string, after time.Duration) {
	time.AfterFunc(after, func() { _ = os.WriteFile(path, []byte("moment-2\n"), 0o600) })
}

// The key is revoked, and no other one comes. The callers of the first moment learn of it when it
// is over, whenever they called, and all others at once.
func TestTheCallersOfARevokedKeyLearnOfItOnceLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMomentClient(t, keyfit.WithSource(momentSource(time.Hour*24*365)))
		if _, err := m.call(t.Context()); err != nil {
			t.Fatal(err)
		}
		m.works = nil
		m.wire.take()
		began, learned := time.Now(), make(chan time.Duration, 5)
		for range cap(learned) {
			go func() {
				if _, err := m.call(t.Context()); !errors.Is(err, keyfit.ErrNoUsableKey) || !errors.Is(err, keyfit.ErrUnauthorized) {
					t.Errorf("a call that waited: %v", err)
				}
				learned <- time.Since(began)
			}()
			time.Sleep(time.Second) //nolint:forbidigo // fake time
		}
		for range cap(learned) {
			if at := (<-learned).Round(100 * time.Millisecond); at != keyfit.DefaultHold {
				t.Errorf("a caller learned of it after %s", at)
			}
		}
		if sent := len(m.wire.take()); sent > 12 {
			t.Errorf("%d requests in the moment", sent)
		}
		for range 500 { // within the hour
			if took, err := m.call(t.Context()); took > time.Millisecond || !errors.Is(err, keyfit.ErrUnauthorized) {
				t.Fatalf("a later call, after %s: %v", took, err)
			}
			time.Sleep(5 * time.Second) //nolint:forbidigo // fake time
		}
		if sent := len(m.wire.take()); sent > 250 { // the circuit is open: every 15 s
			t.Errorf("%d requests in 2,500 s", sent)
		}
		stats := m.Stats()
		if stats.Holds.Count < 5 || stats.Holds.Max < 4*time.Second || stats.Holds.Max > keyfit.DefaultHold {
			t.Errorf("the holds: %+v", stats.Holds)
		}
	})
}

// A call waits no longer than it may, and says why it failed.
func TestAMomentEndsWithTheCallersDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var waits []string
		m := newMomentClient(t, keyfit.WithSource(momentSource(time.Hour)), keyfit.WithHooks(keyfit.Hooks{
			Wait: func(_ context.Context, e keyfit.WaitEvent) {
				waits = append(waits, fmt.Sprint(e.Reason, " ", e.Duration.Round(time.Second)))
			},
		}))
		if _, err := m.call(t.Context()); err != nil {
			t.Fatal(err)
		}
		m.works = nil
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if took, err := m.call(ctx); took != time.Second || !errors.Is(err, keyfit.ErrNoUsableKey) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %s: %v", took, err)
		}
		if diff := cmp.Diff("key 5s", strings.Join(waits[:min(1, len(waits))], "")); diff != "" {
			t.Errorf("the first wait (-want +got):\n%s", diff)
		}
	})
}

// A provider that refuses a resource as others refuse a key: that costs a wait once, and no other
// resource is ever refused for it.
func TestAResourceThatIsRefusedLikeAKeyCostsOneWait(t *testing.T) {
	t.Parallel()
	for _, together := range []bool{false, true} {
		t.Run(fmt.Sprint("other calls meanwhile: ", together), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				chance := rand.New(rand.NewPCG(17, 9))
				wire := roundTripFunc(func(req *http.Request) (*http.Response, error) {
					if err := simTravel(req.Context()); err != nil {
						return nil, err
					}
					if strings.HasPrefix(req.URL.Path, "/secret/") {
						return errorAnswer(http.StatusUnauthorized, `{"error":"INVALID_API_KEY"}`)(req)
					}
					return errorAnswer(http.StatusOK, `{}`)(req)
				})
				acme := keyfit.Provider{Name: "acme", BaseURL: "https://api.example", Scheme: keyfit.Header("X-API-KEY")}
				c, err := keyfit.New(acme, keyfit.WithSource(momentSource(lifeDay)), keyfit.WithHTTPClient(&http.Client{Transport: wire}))
				if err != nil {
					t.Fatal(err)
				}
				get := func(path string) (time.Duration, error) {
					begin := time.Now()
					_, err := keyfit.Get[struct{}](t.Context(), c, path)
					return time.Since(begin), err
				}
				if together {
					ctx, stop := context.WithCancel(t.Context())
					var others sync.WaitGroup
					defer others.Wait()
					defer stop()
					for range 4 {
						others.Go(func() {
							for ctx.Err() == nil {
								if _, err := get("/open"); err != nil {
									t.Errorf("another call: %v", err)
								}
								time.Sleep(200 * time.Millisecond) //nolint:forbidigo // fake time
							}
						})
					}
				}
				var slow int
				for n := range 60 {
					path := "/open"
					if chance.IntN(2) == 0 {
						path = fmt.Sprint("/secret/", n)
					}
					took, err := get(path)
					if (path == "/open") != (err == nil) {
						t.Fatalf("%s: %v", path, err)
					}
					if took > time.Second/2 {
						slow++
					}
					time.Sleep(time.Second) //nolint:forbidigo // fake time
				}
				if slow > 2 {
					t.Errorf("%d calls took long", slow)
				}
			})
		})
	}
}

func TestHoldingAndNotHoldingExcludeEachOther(t *testing.T) {
	t.Parallel()
	hold, off := keyfit.HoldCalls(time.Second, 0), keyfit.WithoutHoldCalls()
	for _, opts := range [][]keyfit.KeyringOption{{hold, off}, {off, hold}} {
		if _, err := keyfit.NewKeyring(t.Context(), keyfit.Static(keyfit.APIKey("k")), opts...); err == nil || !strings.Contains(err.Error(), "exclude each other") {
			t.Errorf("a ring: %v", err)
		}
		if _, err := keyfit.New(keyfit.MindKey(), keyfit.WithKey("k"), opts[0], opts[1]); err == nil || !strings.Contains(err.Error(), "exclude each other") {
			t.Errorf("a client: %v", err)
		}
	}
}
