package limiter

import (
	"context"
	"strconv"
	"testing"
	"time"
)

func BenchmarkUncontended(b *testing.B) {
	for _, bb := range []struct {
		name  string
		limit Limit
	}{
		{"limit unknown", Limit{}},
		{"limit known", Limit{1 << 20, time.Millisecond}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			k, ctx, e := New(Options{Published: bb.limit}), context.Background(), Request{}
			o := Outcome{Status: 200}
			b.ReportAllocs()
			for b.Loop() {
				leave, err := enter(ctx, k, e)
				if err != nil {
					b.Fatal(err)
				}
				leave(o)
			}
		})
	}
}

func BenchmarkContended(b *testing.B) {
	k, ctx, e := New(Options{}), context.Background(), Request{}
	o := Outcome{Status: 200}
	b.ReportAllocs()
	b.SetParallelism(32) // times GOMAXPROCS, 2 on the machine of the reference
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			leave, err := enter(ctx, k, e)
			if err != nil {
				b.Error(err)
				return
			}
			leave(o)
		}
	})
}

// BenchmarkQueue is the cost of a request that enters a queue of n, waits in it and leaves
// it: O(log n), also for a retry with an early place.
func BenchmarkQueue(b *testing.B) {
	for _, n := range []int{100, 10_000, 1_000_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			l := New(Options{Published: Limit{1, time.Hour}}).find(&Key{})
			l.tryEnter(l.clock.Now())
			for range n {
				_, _ = l.enqueue(&Request{}, l.clock.Now(), never)
			}
			early := l.clock.Time(2)
			b.ReportAllocs()
			for b.Loop() {
				w, _ := l.enqueue(&Request{MaxWait: 2400000 * time.Hour, Since: early}, l.clock.Now(), never)
				l.abandon(w, l.clock.Now())
			}
		})
	}
}
