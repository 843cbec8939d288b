// Command measure reports the cost of the mock as ratios to a bare net/http
// handler in the same run:
//
//	go run ./mockserver/internal/measure
//
// Every server is a separate process (this program again), so that its CPU time
// can be measured alone. Each round drives all servers in turn, in alternating
// order, over keep-alive sockets that write prepared requests and count the
// bytes of the responses: the client costs as little as possible. A ratio is the
// median of the ratios within each round, so that a temporary load on the
// machine affects single rounds, not the result.
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
	serveKind := flag.String("serve", "", "serve as `KIND` (bare, mindkey, imkit) instead of measuring; used by the program itself")
	flag.IntVar(&c.rounds, "rounds", 5, "rounds; each drives every server once")
	flag.IntVar(&c.conns, "conns", 16, "keep-alive connections")
	flag.DurationVar(&c.warm, "warm", 500*time.Millisecond, "warm-up before each measurement")
	flag.DurationVar(&c.measure, "for", 2*time.Second, "duration of each measurement")
	flag.IntVar(&c.keys, "keys", 1_000_000, "number of issued keys of the last server")
	flag.IntVar(&c.starts, "starts", 200, "number of starts of an in-process server")
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
