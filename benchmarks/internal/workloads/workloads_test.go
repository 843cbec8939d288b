package workloads_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/keyfit/keyfit/benchmarks/internal/peers"
	"github.com/keyfit/keyfit/benchmarks/internal/report"
	"github.com/keyfit/keyfit/benchmarks/internal/servers"
	"github.com/keyfit/keyfit/benchmarks/internal/workloads"
)

func TestMain(m *testing.M) {
	if served, _ := servers.ServeIfChild(context.Background()); served {
		return
	}
	os.Exit(m.Run())
}

// tiny returns sizes that only show that a workload works.
func tiny() workloads.Settings {
	storm := workloads.Storm{Calls: 14, Callers: 8, Limit: 10, Window: time.Second}
	return workloads.Settings{
		Peers: peers.All(), Rounds: 1, Samples: 2, Calls: 20, Loopback: 16, Pool: 40, Callers: 4,
		Storm: storm, Crowd: workloads.Storm{Calls: 12, Callers: 12, Limit: 10, Window: time.Second},
		Rotation: workloads.Rotation{For: 120 * time.Millisecond, Every: 50 * time.Millisecond, Overlap: 25 * time.Millisecond, KeyDelay: 10 * time.Millisecond, Callers: 2, Pace: 2 * time.Millisecond},
		Deadline: 50 * time.Millisecond, Endless: 1, Retries: 1,
		Progress: func(string, ...any) {},
	}
}

// Every workload compares the counts of its servers and clients and fails if they differ.
func TestEveryWorkloadRuns(t *testing.T) {
	t.Parallel()
	for _, w := range workloads.All() {
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			s := tiny()
			switch { // the waits of all libraries in sequence would dominate the time of this test
			case w.Name == "storm-fixed" || w.Name == "body":
				s.Peers = []peers.Peer{peers.Keyfit(), peers.NetHTTP(), peers.OpenAI()}
			case strings.HasPrefix(w.Name, "storm-"):
				s.Peers = []peers.Peer{peers.Keyfit()}
			}
			section, err := w.Run(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			checkSection(t, section, s.Peers)
		})
	}
}

func checkSection(t *testing.T, section *report.Section, entrants []peers.Peer) {
	t.Helper()
	if section.Title == "" || section.Text == "" || len(section.Tables) == 0 {
		t.Errorf("the section %q has no title, no text or no table", section.Title)
	}
	bars := 0
	for _, table := range section.Tables {
		if table.Bar != nil {
			bars++
		}
		if len(table.Rows) < len(entrants) {
			t.Errorf("the table %q has %d rows for %d libraries", table.Title, len(table.Rows), len(entrants))
		}
		for _, row := range table.Rows {
			if len(row) != len(table.Head) {
				t.Errorf("the table %q has a row of %d cells under a head of %d: %v", table.Title, len(row), len(table.Head), row)
			}
		}
	}
	if bars == 0 {
		t.Errorf("the section %q has no bar", section.Title)
	}
	for _, plot := range section.Plots {
		if err := wellFormed(plot.SVG); err != nil {
			t.Errorf("%s: %v", plot.File, err)
		}
	}
}

func wellFormed(svg []byte) error {
	decoder := xml.NewDecoder(bytes.NewReader(svg))
	for {
		switch _, err := decoder.Token(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}
