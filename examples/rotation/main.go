// Rotation shows a key that changes while a program runs: a client follows a .env file,
// and you edit that file. It calls the embedded mock four times a second and prints which
// key the calls carry.
//
//	go run ./examples/rotation             edit the file yourself, as it tells you
//	go run ./examples/rotation -auto       it edits the file itself, every two seconds
//	go run ./examples/rotation -for 10s    how long it runs; one minute if not given
//	go run ./examples/rotation -poll 1h    look at the file on SIGHUP alone: kill -HUP, as it tells you
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
)

func main() {
	auto := flag.Bool("auto", false, "edit the file without you")
	length := flag.Duration("for", time.Minute, "how long to run")
	poll := flag.Duration("poll", 500*time.Millisecond, "how often to look at the file")
	flag.Parse()
	if *poll <= 0 {
		fmt.Fprintln(os.Stderr, "rotation: -poll wants a positive time")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *length)
	defer cancel()
	if err := run(ctx, *auto, *poll); err != nil {
		fmt.Fprintln(os.Stderr, "rotation:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, auto bool, poll time.Duration) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	mock, err := mockserver.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = mock.Close() }()
	dir, err := os.MkdirTemp("", "keyfit-rotation-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, ".env")
	if err := newKey(mock, file); err != nil {
		return err
	}

	c, err := keyfit.New(keyfit.Imin(), keyfit.WithBaseURL(mock.BaseURL(mockserver.Imin)), keyfit.WithDotEnv(file),
		keyfit.WithHooks(keyfit.Hooks{Key: func(e keyfit.KeyEvent) {
			fmt.Printf("\n%s  %-13s key %s  %s\n", e.Time.Format(time.TimeOnly), e.Kind, e.Fingerprint, e.Reason)
		}}))
	if err != nil {
		return err
	}
	watched := make(chan struct{})
	go func() { _ = c.Keys().Watch(ctx, poll); close(watched) }()
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	go reloadOn(ctx, hup, c.Keys())

	if !auto {
		spare := mock.Keys().Issue(mockserver.Imin)
		fmt.Printf("Put this key into %s while the calls go on:\n\n  IMIN_API_KEY=%s\n\n", file, spare.Secret.Reveal())
		fmt.Printf("The file is looked at every %s, and at once on: kill -HUP %d\n", poll, os.Getpid())
	}
	err = callOn(ctx, c, func() error {
		if !auto {
			return nil
		}
		return newKey(mock, file)
	})
	stop()
	<-watched // it needs the file to its end
	return err
}

// reloadOn looks at the file at each signal. What came of it is an event.
func reloadOn(ctx context.Context, signals <-chan os.Signal, ring *keyfit.Keyring) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
			_, _ = ring.Reload(ctx)
		}
	}
}

// newKey issues a key and replaces the file, as one step for whoever reads it.
func newKey(mock *mockserver.Server, file string) error {
	key := mock.Keys().Issue(mockserver.Imin)
	next := file + ".next"
	if err := os.WriteFile(next, []byte("IMIN_API_KEY="+key.Secret.Reveal()+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(next, file)
}

// callOn calls four times a second until ctx ends, and edit every two seconds. It fails
// if a call did.
func callOn(ctx context.Context, c *keyfit.Client, edit func() error) error {
	calls := time.NewTicker(250 * time.Millisecond)
	defer calls.Stop()
	edits := time.NewTicker(2 * time.Second)
	defer edits.Stop()
	total, failed := 0, 0
	for {
		select {
		case <-ctx.Done():
			fmt.Printf("\n%d calls, %d failed, %d keys\n", total, failed, c.Keys().Status().Current.Generation)
			if failed > 0 {
				return fmt.Errorf("%d calls failed", failed)
			}
			return nil
		case <-edits.C:
			if err := edit(); err != nil {
				return err
			}
		case <-calls.C:
			_, err := keyfit.Get[struct{}](ctx, c, "/events-api/v2/event-series?mode=discovery-geo&geo[radial]=51.75,-1.25,5")
			if err != nil && ctx.Err() == nil {
				failed++
				fmt.Println(err)
			}
			total++
			fmt.Print(".")
		}
	}
}
