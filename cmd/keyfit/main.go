// Command keyfit runs the mock server, controls a running one (keys, clock, faults, requests,
// state), and tries, uses and rotates the keys of the real APIs. `keyfit help` lists its
// commands.
package main

import (
	"context"
	"os"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], cli.Terminal{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.LookupEnv}))
}
