package keyfit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyfit/keyfit/internal/keyring"
)

const fuzzKeyCount = 6

func fuzzKeyName(n byte) string { return fmt.Sprintf("fuzz-ring-key-%d", n%fuzzKeyCount) }

// fuzzWorld is a ring with its source, its provider and its callers, all driven by bytes.
type fuzzWorld struct {
	t      *testing.T
	ring   *Keyring
	client *Client
	grace  bool // a replaced key is held

	mu      sync.Mutex
	offer   Versions
	failing bool // the source
	works   map[string]bool
	broken  int // the status that the provider answers all with; 0 if it works
	events  []KeyEvent

	gen   uint64 // of the last look
	fp    string
	calls sync.WaitGroup
	held  atomic.Int64 // calls that go on behind
}

func (w *fuzzWorld) Credential(ctx context.Context) (Credential, error) {
	o, err := w.Versions(ctx)
	return o.Current, err
}

func (w *fuzzWorld) Versions(context.Context) (Versions, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failing {
		return Versions{}, errors.New("down, and it quotes " + w.current())
	}
	return w.offer, nil
}

func (w *fuzzWorld) status(key string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.broken != 0:
		return w.broken
	case w.works[key]:
		return http.StatusOK
	}
	return http.StatusUnauthorized
}

func (w *fuzzWorld) RoundTrip(req *http.Request) (*http.Response, error) {
	body := io.NopCloser(strings.NewReader("{}"))
	return &http.Response{StatusCode: w.status(req.Header.Get("X-Key")), Header: http.Header{}, Body: body, Request: req}, nil
}

// fuzzGate lets everybody pass: how long a 429 keeps calls away is another question.
type fuzzGate struct{}

func (fuzzGate) Enter(context.Context, Entry) (func(Outcome), error) { return func(Outcome) {}, nil }

func (w *fuzzWorld) probe(_ context.Context, cred Credential) error {
	if status := w.status(cred.Key.Reveal()); status != http.StatusOK {
		return &APIError{Provider: "fuzz", StatusCode: status}
	}
	return nil
}

func (w *fuzzWorld) hear(e KeyEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
}

func newFuzzWorld(t *testing.T, kind byte) *fuzzWorld {
	t.Helper()
	w := &fuzzWorld{t: t, works: map[string]bool{fuzzKeyName(0): true}, offer: Versions{Current: APIKey(fuzzKeyName(0))}}
	opts := []KeyringOption{WithHooks(Hooks{Key: w.hear})}
	if kind&1 != 0 {
		opts = append(opts, Verify(w.probe))
	}
	if kind&2 != 0 {
		opts = append(opts, HoldCalls(5*time.Second, 3))
	} else if kind&8 != 0 {
		opts = append(opts, WithoutHoldCalls())
	}
	w.grace = kind&4 == 0
	if !w.grace {
		opts = append(opts, GracePeriod(0))
	}
	var err error
	if w.ring, err = NewKeyring(t.Context(), w, opts...); err != nil {
		t.Fatal(err)
	}
	p := Provider{Name: "fuzz", BaseURL: "https://fuzz.example", Scheme: Header("X-Key")}
	w.client, err = New(p, WithSource(w.ring), WithGate(fuzzGate{}), WithHTTPClient(&http.Client{Transport: w}), WithRetry(RetryPolicy{MaxAttempts: 1}))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// do is one event: the low bits of what say which, arg is what it is about.
func (w *fuzzWorld) do(ctx context.Context, what, arg byte) {
	set := func(change func()) {
		w.mu.Lock()
		defer w.mu.Unlock()
		change()
	}
	key := fuzzKeyName(arg)
	switch what % 12 {
	case 0:
		set(func() { w.offer, w.failing = Versions{Current: APIKey(key)}, false })
	case 1:
		set(func() {
			w.failing = false
			w.offer = Versions{Current: APIKey(key), Previous: APIKey(fuzzKeyName(arg / 8)), Pending: APIKey(fuzzKeyName(arg / 64))}
			w.offer.Current.Version = string(rune('a' + what/12%3))
		})
	case 2:
		set(func() {
			w.offer, w.failing = Versions{Current: APIKey([]string{"", "two\nlines", "\x00"}[arg%3])}, false
		})
	case 3:
		set(func() { w.failing = true })
	case 4:
		_ = w.ring.Rotate(ctx, APIKey(key), GracePeriod(time.Duration(arg/64)*time.Minute))
	case 5:
		_ = w.ring.Rollback()
	case 6:
		set(func() { w.works[key] = !w.works[key] })
	case 7:
		set(func() { w.broken = []int{0, 0, http.StatusBadGateway, http.StatusTooManyRequests}[arg%4] })
	case 8:
		time.Sleep(time.Duration(1+int(arg)) * time.Millisecond) //nolint:forbidigo // fake time
	case 9:
		time.Sleep(time.Duration(arg) * 3 * time.Second) //nolint:forbidigo // fake time
	case 10:
		_, _ = w.ring.Reload(ctx)
	case 11:
		w.call(ctx, arg%4 == 0)
	}
	synctest.Wait()
	w.look()
}

// call makes one call, or one that may be held while other things happen. Where a key works
// of which the ring can know that, it must not fail.
func (w *fuzzWorld) call(ctx context.Context, behind bool) {
	if behind {
		w.held.Add(1)
		w.calls.Go(func() {
			defer w.held.Add(-1)
			_, _ = Get[struct{}](ctx, w.client, "/held")
		})
		return
	}
	must := ""
	if now := w.ring.engine.Status(); now.Circuit.State == keyring.Closed {
		p := now.Previous
		switch {
		case w.status(w.current()) == http.StatusOK:
			must = "the current key"
		case p != nil && w.grace && w.status(credentialOf(p.Key).Key.Reveal()) == http.StatusOK && !p.LastAccepted.IsZero() && p.Refusals == 0:
			must = "the previous key"
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	_, err := Get[struct{}](ctx, w.client, "/call")
	if err != nil && must != "" {
		w.t.Fatalf("%s works, and the call failed: %v", must, err)
	}
	if err != nil {
		w.holdsNoKey(err.Error())
	}
}

func (w *fuzzWorld) holdsNoKey(text string) {
	w.t.Helper()
	if strings.Contains(text, "fuzz-ring-key") {
		w.t.Fatalf("a key is told: %s", text)
	}
}

// current is the current key.
func (w *fuzzWorld) current() string {
	return credentialOf(w.ring.engine.Load().Current().Key).Key.Reveal()
}

// look checks what must hold at any time.
func (w *fuzzWorld) look() {
	w.t.Helper()
	if err := w.ring.engine.Check(w.held.Load() != 0); err != nil {
		w.t.Fatal(err)
	}
	cur := w.ring.engine.Load().Current()
	clean, err := credentialOf(cur.Key).clean()
	switch {
	case err != nil || clean.Fingerprint() != cur.Fingerprint:
		w.t.Fatalf("the current key is none: %v", err)
	case cur.Number < w.gen || cur.Fingerprint != w.fp && cur.Number == w.gen:
		w.t.Fatalf("generation %d after %d", cur.Number, w.gen)
	}
	w.gen, w.fp = cur.Number, cur.Fingerprint

	status, err := json.Marshal(w.ring.Status())
	if err != nil {
		w.t.Fatal(err)
	}
	w.holdsNoKey(string(status))
	w.heard()
}

// heard checks the events since the last look.
func (w *fuzzWorld) heard() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var last time.Time
	var promoted uint64
	for _, e := range w.events {
		w.holdsNoKey(fmt.Sprintf("%+v", e))
		if e.Time.Before(last) || strings.ContainsAny(e.Reason, "\r\n") {
			w.t.Fatalf("the event %+v after one at %s", e, last)
		}
		last = e.Time
		if e.Kind == KeyPromoted || e.Kind == KeyRollback {
			if e.Generation <= promoted {
				w.t.Fatalf("generation %d became current after %d", e.Generation, promoted)
			}
			promoted = e.Generation
		}
	}
	w.events = w.events[:0]
}

// settle ends it well: one key works, and the source offers it. The ring must come to use it
// and no other, within the time that a trial request may take.
func (w *fuzzWorld) settle(ctx context.Context, good string) {
	w.t.Helper()
	w.mu.Lock()
	w.offer, w.failing, w.broken, w.works = Versions{Current: APIKey(good)}, false, 0, map[string]bool{good: true}
	w.mu.Unlock()
	for range 30 {
		_, _ = Get[struct{}](ctx, w.client, "/call")
		time.Sleep(2 * time.Second) //nolint:forbidigo // fake time
	}
	synctest.Wait()
	w.look()
	if _, err := Get[struct{}](ctx, w.client, "/call"); err != nil {
		w.t.Fatalf("a minute after a key works and the source offers it: %v", err)
	}
	if w.current() != good || !w.ring.engine.Load().CircuitClosed() {
		w.t.Fatalf("a minute after a key works and the source offers it another one is current: %+v", w.ring.Status())
	}
}

func fuzzKeyring(t *testing.T, script []byte) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w := newFuzzWorld(t, script[0])
		if script[0]&8 != 0 {
			w.calls.Go(func() { _ = w.ring.Watch(ctx, 10*time.Second) })
		}
		for i := 1; i+1 < len(script) && i < 200; i += 2 {
			w.do(ctx, script[i], script[i+1])
		}
		w.settle(ctx, fuzzKeyName(script[len(script)-1]))
		cancel()
		w.calls.Wait()
		w.look()
	})
}

// FuzzKeyringEvents puts what can happen to a ring in any order, and checks what must hold
// in between: one current key and never an empty one, generations that rise, nothing that
// grows, no key in a text, no call lost that need not be.
func FuzzKeyringEvents(f *testing.F) {
	chance := rand.New(rand.NewPCG(1, 2)) // seeds, the same at each run
	scripts := 4                          // of each kind
	if os.Getenv("KEYFIT_LONG") != "" {
		scripts = 12
	}
	for kind := range byte(16) {
		for range scripts {
			script := []byte{kind}
			for range 120 {
				script = append(script, byte(chance.UintN(256)))
			}
			f.Add(script)
		}
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 0 {
			fuzzKeyring(t, script)
		}
	})
}
