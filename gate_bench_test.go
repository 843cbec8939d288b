package keyfit

import (
	"context"
	"testing"
	"time"
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

// BenchmarkGateQueue is the cost of one attempt that waits in line behind 10,000 others.
func BenchmarkGateQueue(b *testing.B) {
	l := newLane(laneID{}, Limit{1, time.Hour}, time.Now())
	l.admit(l.now())
	ctx := context.Background()
	for range 10_000 {
		_, _, _ = l.enter(ctx, Entry{MaxWait: 24000 * time.Hour})
	}
	b.ReportAllocs()
	for b.Loop() {
		_, w, _ := l.enter(ctx, Entry{MaxWait: 23000 * time.Hour})
		l.abandon(w)
	}
}
