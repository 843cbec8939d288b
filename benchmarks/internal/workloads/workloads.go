// Package workloads contains the workloads, one per file. Every workload runs all libraries in
// turn within a round, so that disturbances of the machine affect all of them, and takes its
// counts from the server, not from the client.
package workloads

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/keyfit/keyfit/benchmarks/internal/peers"
	"github.com/keyfit/keyfit/benchmarks/internal/report"
)

// Settings are the sizes of the workloads. Every field must be positive.
type Settings struct {
	Peers    []peers.Peer
	Rounds   int // rounds of the storm, the rotation, the deadline and the pool
	Samples  int // rounds of the workloads that measure microseconds
	Calls    int // calls per sample without a network
	Loopback int // calls per sample to another process with one caller; 16 times as many with many callers
	Pool     int // calls through each library's default pool
	Callers  int // number of goroutines in workloads with many callers
	Storm    Storm
	Crowd    Storm
	Rotation Rotation
	Deadline time.Duration // deadline of a call whose response asks for a wait of 60 s
	Endless  int           // MiB of the endless body
	Retries  int           // retries in workloads that do not measure waits
	// Progress receives progress messages.
	Progress func(format string, args ...any)
}

// Full returns the sizes of the published results.
func Full() Settings {
	return Settings{
		Peers: peers.All(), Rounds: 3, Samples: 51, Calls: 16000, Loopback: 1280, Pool: 7200, Callers: 64,
		Storm:    Storm{Calls: 1000, Callers: 64, Limit: 100, Window: time.Second},
		Crowd:    Storm{Calls: 200, Callers: 200, Limit: 20, Window: time.Second},
		Rotation: Rotation{For: 5 * time.Second, Every: 50 * time.Millisecond, Overlap: 25 * time.Millisecond, KeyDelay: 10 * time.Millisecond, Callers: 64, Pace: 250 * time.Microsecond},
		Deadline: time.Second, Endless: 64, Retries: peers.DefaultRetries,
		Progress: func(string, ...any) {},
	}
}

// Workload is a named workload.
type Workload struct {
	Name string
	Run  func(ctx context.Context, s Settings) (*report.Section, error)
}

// All returns the workloads in the order of the report.
func All() []Workload {
	all := []Workload{{"overhead", Overhead}, {"loopback", Loopback}, {"pool", Pool}}
	all = append(all, storms()...)
	return append(all, []Workload{
		{"rotation", Rotations}, {"deadline", Deadline}, {"leaks", Leaks}, {"post", Post}, {"body", Body},
	}...)
}

// inTurn runs f for every entrant in every round. Each round starts with another entrant.
func inTurn(ctx context.Context, entrants []peers.Peer, rounds int, f func(round int, p peers.Peer) error) error {
	for round := range rounds {
		for i := range entrants {
			if err := ctx.Err(); err != nil {
				return err
			}
			p := entrants[(i+round)%len(entrants)]
			if err := f(round, p); err != nil {
				return fmt.Errorf("%s: %w", p.Name, err)
			}
		}
	}
	return nil
}

// named returns the entrant with a name, or false.
func named(entrants []peers.Peer, name string) (peers.Peer, bool) {
	i := slices.IndexFunc(entrants, func(p peers.Peer) bool { return p.Name == name })
	if i < 0 {
		return peers.Peer{}, false
	}
	return entrants[i], true
}

// key is the key of the workloads without rotation.
const key = "lorem-fitsum-benchmark-key-0001"

func staticKey() string { return key }

// plain returns the basic configuration of most workloads.
func plain(baseURL string) peers.Config {
	return peers.Config{BaseURL: baseURL, Key: staticKey, Retries: peers.DefaultRetries}
}
