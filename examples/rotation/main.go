// Rotation shows how a key changes while a program runs. A client watches a .env file that
// you edit, calls the embedded mock server four times per second, and prints an event when
// its key changes.
//
//	go run ./examples/rotation             prints a key to write to the file
//	go run ./examples/rotation -auto       edits the file itself, every two seconds
//	go run ./examples/rotation -for 10s    runs for 10 seconds (default: one minute)
//	go run ./examples/rotation -poll 1h    in effect reads the file only on SIGHUP (kill -HUP)
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
	auto := flag.Bool("auto", false, "edit the file automatically, every two seconds")
	duration := flag.Duration("for", time.Minute, "time to run")
	poll := flag.Duration("poll", 500*time.Millisecond, "interval between two checks of the file")
	flag.Parse()
	if *poll <= 0 {
		fmt.Fprintln(os.Stderr, "rotation: -poll must be a positive duration")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *duration)
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
		fmt.Printf("Write this key to %s while the program runs:\n\n  IMIN_API_KEY=%s\n\n", file, spare.Secret.Reveal())
		fmt.Printf("The client checks the file every %s, and immediately on SIGHUP: kill -HUP %d\n", poll, os.Getpid())
	}
	err = callUntilDone(ctx, c, func() error {
		if !auto {
			return nil
		}
		return newKey(mock, file)
	})
	stop()
	<-watched // Watch reads the file until it returns: the directory must still exist
	return err
}

// reloadOn reloads the key at each signal. The Key hook reports the result.
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

// newKey issues a key and writes it to the file, which it replaces atomically.
func newKey(mock *mockserver.Server, file string) error {
	key := mock.Keys().Issue(mockserver.Imin)
	next := file + ".next"
	if err := os.WriteFile(next, []byte("IMIN_API_KEY="+key.Secret.Reveal()+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(next, file)
}

// callUntilDone calls the provider four times per second and edit every two seconds, until
// ctx ends. It returns an error if any call failed.
func callUntilDone(ctx context.Context, c *keyfit.Client, edit func() error) error {
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
