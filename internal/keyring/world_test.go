package keyring

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var errRefused = errors.New("refused")

// world is a ring with its source and its provider.
type world struct {
	ring *Ring

	mu      sync.Mutex
	offers  Versions
	askErr  error
	askTime time.Duration // how long the source takes
	works   map[string]bool
	denied  string // a path that is refused whatever the key
	latency time.Duration
	events  []Event

	asked, sent atomic.Int32
}

func key(fp string) Key { return Key{Fingerprint: fp} }

// newWorld returns a world whose source offers the key "a", which works.
func newWorld(t *testing.T, change func(*Config)) *world {
	t.Helper()
	w := &world{offers: Versions{Current: key("a")}, works: map[string]bool{"a": true}}
	cfg := Config{Ask: w.ask, Event: w.hear, GracePeriod: time.Minute, DrainTime: 30 * time.Second, MaxWaiting: 10}
	if change != nil {
		change(&cfg)
	}
	w.ring = New(cfg, w.offers)
	t.Cleanup(func() {
		if err := w.ring.Check(false); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// offer has the source offer a key.
func (w *world) offer(fp string) { w.set(func() { w.offers = Versions{Current: key(fp)} }) }

// accept has the provider accept these keys and no other.
func (w *world) accept(fps ...string) {
	w.set(func() {
		clear(w.works)
		for _, fp := range fps {
			w.works[fp] = true
		}
	})
}

func (w *world) ask(ctx context.Context, _ string) (Versions, error) {
	w.asked.Add(1)
	w.mu.Lock()
	took, v, err := w.askTime, w.offers, w.askErr
	w.mu.Unlock()
	if took > 0 {
		if err := sleep(ctx, took, nil, nil); err != nil {
			return Versions{}, err
		}
	}
	return v, err
}

func (w *world) probe(_ context.Context, k Key) (refused bool, err error) {
	if w.accepts(k.Fingerprint) {
		return false, nil
	}
	return true, errRefused
}

func (w *world) accepts(fp string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.works[fp]
}

func (w *world) hear(e Event) { w.set(func() { w.events = append(w.events, e) }) }

// kinds returns the kinds of the events since the last look, with the key of each.
func (w *world) kinds() (list []string) {
	w.set(func() {
		for _, e := range w.events {
			list = append(list, fmt.Sprintf("%s %s", e.Kind, e.Fingerprint))
		}
		w.events = nil
	})
	return list
}

// call makes one call as the client does, and returns the keys that it was sent with.
func (w *world) call(ctx context.Context, path string) (sent []string, err error) {
	return w.callWith(ctx, path, true)
}

// callWith is call with a body that can be sent again, or not.
func (w *world) callWith(ctx context.Context, path string, replayable bool) (sent []string, err error) {
	r := w.ring
	t := r.NewTurn(Call{Context: ctx, Replayable: replayable, Route: r.Route("GET", path), Name: func() string { return "GET " + path }})
	t.Start()
	defer t.Finish()
	var next *Generation
	for {
		if next == nil {
			if err := t.Admit(); err != nil {
				return sent, err
			}
			next = r.Load().Pick(replayable)
		}
		a := Attempt{Key: next, Sent: r.Clock().Now()}
		a.Key.Begin()
		w.sent.Add(1)
		sent = append(sent, a.Key.Fingerprint)
		time.Sleep(max(w.latency, time.Millisecond)) //nolint:forbidigo // fake time
		a.Succeeded = w.accepts(a.Key.Fingerprint) && path != w.denied
		if a.Succeeded {
			r.Accepted(a.Key, a.Sent, r.Route("GET", path))
			t.Accepted(a)
		} else {
			a.Refusal = "refusal of " + a.Key.Fingerprint
			t.Refused(a)
		}
		a.Key.End(a.Sent)
		if a.Succeeded {
			return sent, nil
		}
		if !replayable {
			t.NotReplayed()
			return sent, errRefused
		}
		if next, err = t.Next(); err != nil {
			return sent, err
		}
	}
}
