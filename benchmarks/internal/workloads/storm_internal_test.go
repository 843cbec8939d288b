package workloads

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/benchmarks/internal/peers"
	"github.com/keyfit/keyfit/benchmarks/internal/servers"
)

func TestTheFiguresOfAStormAreCountedFromTheArrivals(t *testing.T) {
	t.Parallel()
	ms := func(at int, refused bool) servers.Arrival {
		return servers.Arrival{At: time.Duration(at) * time.Millisecond, Refused: refused}
	}
	run := stormRun{arrivals: []servers.Arrival{
		ms(0, false), ms(1, false), ms(2, true), ms(3, true), ms(502, true), ms(503, true),
		ms(1000, false), ms(1010, false), ms(1049, true), ms(1050, false), ms(1200, false),
	}}
	refused, later := run.refused(time.Second)
	got := []int{refused, later, run.passed(), run.burst(0), run.burst(600 * time.Millisecond), run.burst(time.Hour)}
	if diff := cmp.Diff([]int{5, 2, 6, 4, 3, 0}, got); diff != "" {
		t.Errorf("refused, later, passed, burst in all, burst later, burst of nothing (-want +got):\n%s", diff)
	}
}

func TestTheIdealOfAStorm(t *testing.T) {
	t.Parallel()
	s := Storm{Calls: 1000, Callers: 64, Limit: 100, Window: time.Second}
	if diff := cmp.Diff([]time.Duration{9 * time.Second, 9 * time.Second}, []time.Duration{s.ideal(false), s.ideal(true)}); diff != "" {
		t.Errorf("windows, bucket (-want +got):\n%s", diff)
	}
}

// net/http does not retry, so every figure is known in advance.
func TestServerAndClientsCountTheSameInAStorm(t *testing.T) {
	t.Parallel()
	size := Storm{Calls: 30, Callers: 4, Limit: 10, Window: time.Hour}
	run, err := runStorm(t.Context(), size, peers.NetHTTP(), fixed(size), servers.HeaderAndBody)
	if err != nil {
		t.Fatal(err)
	}
	refused, _ := run.refused(size.Window)
	if diff := cmp.Diff([]int{30, 10, 20, 20}, []int{len(run.arrivals), run.passed(), refused, run.failed}); diff != "" {
		t.Errorf("arrivals, passed, refused, failed (-want +got):\n%s", diff)
	}
	run.failed--
	if run.check(size) == nil {
		t.Error("a call that neither failed nor was accepted was not detected")
	}
}

func TestInTurnBeginsEachRoundWithAnother(t *testing.T) {
	t.Parallel()
	var got []string
	err := inTurn(t.Context(), []peers.Peer{{Name: "a"}, {Name: "b"}, {Name: "c"}}, 2, func(_ int, p peers.Peer) error {
		got = append(got, p.Name)
		return nil
	})
	if diff := cmp.Diff([]string{"a", "b", "c", "b", "c", "a"}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
