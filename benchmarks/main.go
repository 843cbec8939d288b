// Command benchmarks runs keyfit and other HTTP libraries through the same workloads and
// prints the results, including rows where another library is ahead.
//
//	go run .                         # everything; about half an hour
//	go run . -write                  # also rewrite RESULTS.md and plots/
//	go run . -only storm -rounds 1   # a quick check; -only takes prefixes of workload names
//	go run . -only overhead,loopback -peers keyfit,net/http
//
// All servers are on loopback. The benchmarks are a separate module, so that keyfit does not
// depend on the libraries that it is compared with.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/keyfit/keyfit/benchmarks/internal/peers"
	"github.com/keyfit/keyfit/benchmarks/internal/report"
	"github.com/keyfit/keyfit/benchmarks/internal/servers"
	"github.com/keyfit/keyfit/benchmarks/internal/workloads"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	served, err := servers.ServeIfChild(ctx)
	if !served {
		err = run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	}
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "benchmarks:", err)
		os.Exit(1)
	}
}

// run runs the command. It writes results to stdout and progress to stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s := workloads.Full()
	flags := flag.NewFlagSet("benchmarks", flag.ContinueOnError)
	flags.SetOutput(stderr)
	only := flags.String("only", "", "run only workloads whose names start with one of these comma-separated prefixes")
	some := flags.String("peers", "", "run only these comma-separated libraries")
	write := flags.Bool("write", false, "write RESULTS.md and plots/ to the working directory")
	flags.IntVar(&s.Rounds, "rounds", s.Rounds, "rounds of the storm, rotation, deadline and pool workloads")
	flags.IntVar(&s.Samples, "samples", s.Samples, "rounds of the overhead and loopback workloads")
	flags.DurationVar(&s.Rotation.For, "rotation", s.Rotation.For, "duration of each library's rotation run")
	flags.IntVar(&s.Storm.Calls, "storm", s.Storm.Calls, "number of calls in a storm")
	flags.IntVar(&s.Endless, "endless", s.Endless, "size of the endless error body, in MiB")
	if err := flags.Parse(args); err != nil {
		return err
	}
	s.Progress = func(format string, a ...any) { _, _ = fmt.Fprintf(stderr, format+"\n", a...) }
	var err error
	if s.Peers, err = choosePeers(s.Peers, *some); err != nil {
		return err
	}
	chosen, err := chooseWorkloads(*only)
	if err != nil {
		return err
	}
	if *write && (*only != "" || *some != "") {
		return errors.New("-write needs a full run: remove -only and -peers")
	}
	var failed error // a failed workload does not discard the results of the others
	sections := make([]*report.Section, 0, len(chosen))
	for _, w := range chosen {
		s.Progress("%s …", w.Name)
		section, err := w.Run(ctx, s)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", w.Name, err))
			section = &report.Section{Title: w.Name, Text: "The workload failed: " + err.Error()}
		}
		if _, err = fmt.Fprint(stdout, section.Terminal()); err != nil {
			return err
		}
		sections = append(sections, section)
	}
	if *write {
		failed = errors.Join(failed, writeResults(".", s, sections))
	}
	return failed
}

func choosePeers(all []peers.Peer, names string) ([]peers.Peer, error) {
	if names == "" {
		return all, nil
	}
	var chosen []peers.Peer
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(all, func(p peers.Peer) bool { return p.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("unknown library %q; known libraries: %s", name, listPeers(all))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

func listPeers(all []peers.Peer) string {
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Name
	}
	return strings.Join(names, ", ")
}

func chooseWorkloads(beginnings string) ([]workloads.Workload, error) {
	all := workloads.All()
	if beginnings == "" {
		return all, nil
	}
	wanted := strings.Split(beginnings, ",")
	chosen := slices.DeleteFunc(slices.Clone(all), func(w workloads.Workload) bool {
		return !slices.ContainsFunc(wanted, func(b string) bool { return strings.HasPrefix(w.Name, b) })
	})
	if len(chosen) == 0 {
		names := make([]string, len(all))
		for i, w := range all {
			names[i] = w.Name
		}
		return nil, fmt.Errorf("no workload starts with %q; workloads: %s", beginnings, strings.Join(names, ", "))
	}
	return chosen, nil
}
