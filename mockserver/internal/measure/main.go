// Command measure tells what the mock costs, as ratios to a bare net/http
// handler in the same run:
//
//	go run ./mockserver/internal/measure
//
// Every server is a process of its own (this program again), so its CPU time
// is its own too. Each round drives all servers one after the other, forward
// and then backward, over keep-alive sockets that write ready-made requests
// and count the answer's bytes: the client is as cheap as it can be. A ratio
// is the median of the ratios within a round, so a machine that is busy for a
// while spoils a round, not the result.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

type config struct {
	rounds  int
	conns   int
	warm    time.Duration
	measure time.Duration
	keys    int
	starts  int
	profile string // directory for CPU profiles of the servers
}

func main() {
	var c config
	serveKind := flag.String("serve", "", "serve as `KIND` (bare, mindkey, imkit) instead of measuring; for the program itself")
	flag.IntVar(&c.rounds, "rounds", 5, "rounds; each drives every server once")
	flag.IntVar(&c.conns, "conns", 16, "keep-alive connections")
	flag.DurationVar(&c.warm, "warm", 500*time.Millisecond, "warm-up before each measurement")
	flag.DurationVar(&c.measure, "for", 2*time.Second, "length of each measurement")
	flag.IntVar(&c.keys, "keys", 1_000_000, "issued keys of the last server")
	flag.IntVar(&c.starts, "starts", 200, "starts of an in-process server")
	flag.StringVar(&c.profile, "profile", "", "write the servers' CPU profiles into `DIR`")
	flag.Parse()
	if err := run(c, *serveKind); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

func run(c config, kind string) error {
	if kind != "" {
		return serve(kind, c.keys, c.profile, os.Stdin, os.Stdout)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return measure(ctx, c, os.Stdout)
}
