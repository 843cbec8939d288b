// Command keyfit runs the mock server and talks to one that runs: keys, clock,
// faults, requests, state. `keyfit help` lists what there is.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], terminal{os.Stdin, os.Stdout, os.Stderr, os.LookupEnv}))
}
