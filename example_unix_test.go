//go:build unix

package keyfit_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/keyfit/keyfit"
)

// A daemon reads its files again on SIGHUP: a channel, Notify, and a goroutine that reloads.
// Beside Watch the signal is a shortcut; without it the key changes when the operator says.
func ExampleKeyring_Reload_onSIGHUP() {
	dir, err := os.MkdirTemp("", "keyfit")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "key")
	write := func(key string) error { return os.WriteFile(file, []byte(key), 0o600) }
	if err := write("key-of-may"); err != nil {
		fmt.Println(err)
		return
	}
	promoted := make(chan uint64, 2)
	ring, err := keyfit.NewKeyring(context.Background(), keyfit.File(file), keyfit.WithHooks(keyfit.Hooks{Key: func(e keyfit.KeyEvent) { promoted <- e.Generation }}))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("generation", <-promoted)

	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	go func() {
		for range hup {
			_, _ = ring.Reload(context.Background()) // a failure is an event
		}
	}()

	if err := write("key-of-june"); err != nil {
		fmt.Println(err)
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGHUP) // kill -HUP, as an operator does
	fmt.Println("generation", <-promoted)
	signal.Stop(hup)
	close(hup)
	// Output:
	// generation 1
	// generation 2
}
