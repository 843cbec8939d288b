// Observed shows a program whose calls and keys are seen: by OpenTelemetry (a trace, printed) and
// by Prometheus (/metrics). It calls five providers, which the embedded mock plays, with nine
// clients. It needs no network and no account.
//
//	go run .                       prints a trace, serves /metrics for a minute
//	go run . -for 10m -listen 127.0.0.1:9464
//	curl -X POST http://127.0.0.1:9464/bad-day    from here on everything goes wrong
//
// ops/prometheus/show.py lets Prometheus scrape it through such a day, and waits for the alarms.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:9464", "address of /metrics; port 0 takes a free one")
	duration := flag.Duration("for", time.Minute, "time to run")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *duration)
	defer cancel()
	if err := run(ctx, *listen, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "observed:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, listen string, out io.Writer) (err error) {
	s, err := newService(ctx, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.oneCall(ctx); err != nil {
		return err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("no place for /metrics: %w", err)
	}
	srv := &http.Server{Handler: s.handler(ctx), ReadHeaderTimeout: 5 * time.Second}
	stopped := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stopped()
	_, _ = fmt.Fprintf(out, "\nmetrics: http://%s/metrics\n", l.Addr())
	s.work(ctx)
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve /metrics: %w", err)
	}
	return nil
}
