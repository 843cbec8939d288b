package limiter

import (
	"runtime"
	"strconv"
	"testing"
	"time"
)

func tenant(i int) Key { return Key{Provider: "p", Account: strconv.Itoa(i)} }

// use makes a few requests for an account.
func use(k *Keyed, key Key) {
	for range 3 {
		if p, ok := k.TryEnter(key, k.clock.Now()); ok {
			o := ok200()
			p.Leave(&o, k.clock.Now())
		}
	}
}

func ok200() Outcome { return Outcome{Status: 200} }

// A tenant costs little memory, whatever limit is published. Not parallel: it measures the heap.
func TestATenantIsSmall(t *testing.T) { //nolint:paralleltest // see above
	for _, published := range []Limit{{}, {1000, time.Minute}, {1_000_000, time.Second}} {
		k := New(Options{Published: published})
		const tenants = 2000
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range tenants {
			use(k, tenant(i))
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		each := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / tenants
		t.Logf("published %v: %d bytes for each", published, each)
		if each > 3500 {
			t.Errorf("published %v: a tenant costs %d bytes, want at most 3,500", published, each)
		}
		runtime.KeepAlive(k)
	}
}

// A new account looks at a few others only, however many there are.
func TestANewTenantCostsTheSameWhateverTheirNumber(t *testing.T) {
	t.Parallel()
	k := New(Options{})
	for i := range 3000 {
		hand := k.hand
		use(k, tenant(i))
		if moved := k.hand - hand; moved > sweepStep {
			t.Fatalf("tenant %d looked at %d others, want at most %d", i, moved, sweepStep)
		}
	}
}

// A published limit of a million a second is kept in shorter windows, not in a million times.
func TestAHighPublishedLimitKeepsAShortLog(t *testing.T) {
	t.Parallel()
	k := New(Options{Published: Limit{1_000_000, time.Second}})
	key, now := Key{}, time.Duration(1)
	for range 100_000 {
		if p, ok := k.TryEnter(key, now); ok {
			o := ok200()
			p.Leave(&o, now)
		}
		now += 600 * time.Microsecond
	}
	if n := len(k.find(&key).engine.log.buf); n > maxLog {
		t.Errorf("%d times are kept, want at most %d", n, maxLog)
	}
}
