// Quickstart shows the main features of keyfit on one page of output. It starts the mock
// server on loopback, issues a Lorem Fitsum key for each of the five providers, writes the
// keys to a temporary .env file, and uses them as a back-end program uses real keys.
//
// It needs no network and no account. It exits with status 0 only if every check passed.
package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

func main() {
	passed, err := run(context.Background())
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	case !passed:
		fmt.Fprintln(os.Stderr, "quickstart: a check failed; see the lines marked ✗")
		os.Exit(1)
	}
}

// run runs every part and reports whether all checks passed.
func run(ctx context.Context) (passed bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	begin := time.Now()
	env, err := newEnvironment(ctx)
	if err != nil {
		return false, err
	}
	defer env.close()

	r := &report{}
	fmt.Printf("keyfit: five providers on an embedded mock server, keys from %s\n", env.dotenv)
	for _, part := range []func(context.Context, *environment, *report) error{calls, refusals, rateLimit, rotation} {
		if err := part(ctx, env, r); err != nil {
			return false, err
		}
	}
	fmt.Printf("\n%d of %d checks passed in %s\n", r.passed, r.checks, time.Since(begin).Round(10*time.Millisecond))
	return r.passed == r.checks, nil
}

// report prints one line per check and counts the checks and those that passed.
type report struct{ checks, passed int }

func (r *report) title(text string) { fmt.Printf("\n%s\n", text) }

func (r *report) check(ok bool, format string, args ...any) {
	mark := "✗"
	r.checks++
	if ok {
		mark = "✓"
		r.passed++
	}
	fmt.Printf("  %s %s\n", mark, fmt.Sprintf(format, args...))
}
