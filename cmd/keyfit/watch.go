package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/flagvalue"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/replica"
)

// watchFlags are the flags of watch.
type watchFlags struct {
	asked     replica.Question
	every, in time.Duration
	once      bool
}

func (a *app) watchCommand() *cobra.Command {
	s := watchFlags{every: 2 * time.Second, in: 15 * time.Minute}
	cmd := &cobra.Command{
		Use: "watch URL...", Short: "Show which key each replica uses, until it is safe to revoke the old one",
		Long: `watch asks the replicas of a service for the JSON of their Keyring.Status(), or of a list
of them, and shows which key each uses, in which generation, when the old key was last
used, and what stands in the way. On a terminal the table is redrawn; elsewhere a line
is written when something changes. It ends by itself when every replica uses the same
key and has released every other one; then the old key is safe to revoke. Replicas that
have not read the new key yet look the same as those that have had no other: it goes on
until one has replaced its key, or name the old one with --old.

All addresses of a URL's host name are replicas: a headless Service of Kubernetes
(clusterIP: None) has one for each pod. An address that the name has no more is asked
until nothing answers there. A name that stands for a load balancer shows one replica at
a time, and hides the others: give --replicas, so that too few are not taken for all.

A replica that gives no answer, another one, or one that contradicts itself has not
released anything. Keys are named by their fingerprints (keyfit fingerprint).

--old FINGERPRINT waits until this key is released, also if no replica has another one
yet; --new FINGERPRINT until all use that one. --once looks once.

--json writes one object a line: event (replica, safe, failed), time, text, and where they
apply: replica, provider, generation, current, previous, staged, inFlight, lastUsed,
oldLastUsed, released, old, replicas.

Exit code: 0 it is safe to revoke the old key, or --once has seen the same key everywhere
and no old one, 1 it is not, after --for or at all, 2 usage error.`,
		Example: "  keyfit watch http://shop.prod.svc.cluster.local:8080/healthz/keys --replicas 3\n" +
			"  keyfit watch http://10.0.0.7:8080/keys http://10.0.0.8:8080/keys --old 1f0a9c3b5d7e\n" +
			"  keyfit watch http://10.0.0.7:8080/keys --once",
		Args: watchArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return a.watch(ctx, replica.NewFinder(args, a.Lookup), &s)
		},
	}
	f := cmd.Flags()
	flagvalue.Text(f, &s.asked.Old, "old", "wait until the key of this `fingerprint` is released", readFingerprint)
	flagvalue.Text(f, &s.asked.New, "new", "wait until all use the key of this `fingerprint`", readFingerprint)
	f.StringVar(&s.asked.Provider, "vendor", "", "look only at keys of this `vendor`, by the name of its provider")
	flagvalue.Int(f, &s.asked.Replicas, "replicas", 1, 100000, "there must be at least this `number` of replicas")
	flagvalue.Duration(f, &s.every, "every", 1, 0, "the poll `interval`")
	flagvalue.Duration(f, &s.in, "for", 1, 0, "give up after this `time`")
	f.BoolVar(&s.once, "once", false, "look once")
	return cmd
}

// watchArgs takes URLs. It repeats no argument, which may be a key.
func watchArgs(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cli.Usagef("URL is missing: the address of a replica's Keyring.Status() as JSON")
	}
	for _, address := range args {
		if err := replica.CheckURL(address); err != nil {
			return cli.Usagef("URL %w", err)
		}
	}
	return nil
}

// readFingerprint reads a fingerprint as keyfit fingerprint prints it.
func readFingerprint(text string) (string, error) {
	const digits = 12
	fp := strings.ToLower(strings.TrimSpace(text))
	if len(fp) != digits || strings.Trim(fp, "0123456789abcdef") != "" {
		return "", &cli.ValueError{Value: text, Want: "a fingerprint, of 12 hexadecimal digits"}
	}
	return fp, nil
}

// watch asks the replicas until it is safe to revoke the old key.
func (a *app) watch(ctx context.Context, finder *replica.Finder, s *watchFlags) error {
	within, cancel := context.WithTimeout(ctx, s.in)
	defer cancel()
	view, fleet := newWatchView(&a.Terminal, s.once), replica.NewFleet(s.asked)
	ticker := time.NewTicker(s.every)
	defer ticker.Stop()
	var last replica.Verdict
	last.Waiting = "no replica has answered"
	for first := true; ; first = false {
		round := within
		if first {
			round = ctx // one look is complete, however short --for is
		}
		answers := finder.Ask(round)
		if round.Err() == nil {
			last = fleet.Judge(answers)
			if last.Safe && !last.Named && !s.once {
				last.Safe, last.Waiting = false, "no replica has replaced a key yet; if that was before, name the old one with --old"
			}
			view.show(&last)
			if last.Safe {
				view.safe(&last)
				return nil
			}
		}
		if s.once && round.Err() == nil {
			return view.failed(fmt.Errorf("not safe to revoke: %s", last.Waiting))
		}
		select {
		case <-within.Done():
			if ctx.Err() == nil && errors.Is(within.Err(), context.DeadlineExceeded) {
				return view.failed(fmt.Errorf("not safe to revoke after %s: %s", s.in, last.Waiting))
			}
			return view.failed(fmt.Errorf("interrupted; not safe to revoke yet: %s", last.Waiting))
		case <-ticker.C:
		}
	}
}
