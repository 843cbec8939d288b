// Quickstart shows the main job of keyfit on one page of output: it starts the mock server
// on loopback, issues a Lorem Fitsum key for each of the five providers, writes them to a
// temporary .env, and does with them what a back-end program does with real ones.
//
// It needs no network and no account. Its exit status is 0 only if everything held.
package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

func main() {
	held, err := run(context.Background())
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	case !held:
		fmt.Fprintln(os.Stderr, "quickstart: a line above is marked ✗")
		os.Exit(1)
	}
}

// run shows the five parts and reports whether everything held.
func run(ctx context.Context) (held bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	begin := time.Now()
	w, err := newWorld(ctx)
	if err != nil {
		return false, err
	}
	defer w.close()

	r := &report{}
	fmt.Printf("keyfit: five providers on an embedded mock, keys from %s\n", w.dotenv)
	for _, part := range []func(context.Context, *world, *report) error{calls, refusals, waiting, swapping} {
		if err := part(ctx, w, r); err != nil {
			return false, err
		}
	}
	fmt.Printf("\n%d of %d lines held, in %s\n", r.held, r.lines, time.Since(begin).Round(10*time.Millisecond))
	return r.held == r.lines, nil
}

// report prints the lines and counts those that held.
type report struct{ lines, held int }

func (r *report) title(text string) { fmt.Printf("\n%s\n", text) }

func (r *report) line(ok bool, format string, args ...any) {
	mark := "✗"
	r.lines++
	if ok {
		mark = "✓"
		r.held++
	}
	fmt.Printf("  %s %s\n", mark, fmt.Sprintf(format, args...))
}
