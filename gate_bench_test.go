package keyfit

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/keyfit/keyfit/internal/clock"
)

func BenchmarkGateUncontended(b *testing.B) {
	for _, bb := range []struct {
		name  string
		limit Limit
	}{
		{"limit unknown", Limit{}},
		{"limit known", Limit{1 << 20, time.Millisecond}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			g, ctx, e := NewGate(bb.limit), context.Background(), Entry{Provider: "p"}
			o := Outcome{StatusCode: 200, Remaining: -1}
			b.ReportAllocs()
			for b.Loop() {
				leave, err := g.Enter(ctx, e)
				if err != nil {
					b.Fatal(err)
				}
				leave(o)
			}
		})
	}
}

func BenchmarkGate64Goroutines(b *testing.B) {
	g, ctx, e := NewGate(Limit{}), context.Background(), Entry{Provider: "p"}
	o := Outcome{StatusCode: 200, Remaining: -1}
	b.ReportAllocs()
	b.SetParallelism(32) // times GOMAXPROCS, 2 on the machine of the reference
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			leave, err := g.Enter(ctx, e)
			if err != nil {
				b.Error(err)
				return
			}
			leave(o)
		}
	})
}

// BenchmarkGateQueue is the cost of one attempt that comes to a line, waits in it and leaves
// it: O(log n) of those who wait, retries with an early place included.
func BenchmarkGateQueue(b *testing.B) {
	for _, n := range []int{100, 10_000, 1_000_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			l := newLane(laneID{}, Limit{1, time.Hour}, clock.Start())
			l.admit(l.clock.Now())
			ctx := context.Background()
			for range n {
				_, _, _ = l.enter(ctx, &Entry{})
			}
			early := l.clock.Time(2)
			b.ReportAllocs()
			for b.Loop() {
				_, w, _ := l.enter(ctx, &Entry{MaxWait: 2400000 * time.Hour, Since: early})
				l.abandon(w)
			}
		})
	}
}
