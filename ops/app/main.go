// App stands for a program of yours in the recipes of ops. It calls one provider again and again,
// takes a new key without a restart, and answers what a platform asks:
//
//	/livez    200 while it runs: a key that does not work is no reason to restart it
//	/readyz   503 while calls are expected to fail because of the key
//	/status   the keyring as JSON, for keyfit rotate --watch and keyfit watch
//	/metrics  for Prometheus
//
// With -ask URL it asks such an address once and exits with 0 if the answer is good: a health check
// for images that have no shell.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/observe/prom"
)

func main() {
	listen := flag.String("listen", ":8080", "address to listen on")
	every := flag.Duration("every", time.Second, "interval between two calls")
	poll := flag.Duration("poll", 10*time.Second, "interval between two looks at the key's place")
	question := flag.String("ask", "", "address to ask once, instead of serving")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := ask(ctx, *question)
	if *question == "" {
		err = serve(ctx, *listen, *every, *poll)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "app:", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, listen string, every, poll time.Duration) error {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	client, err := keyfit.New(keyfit.IMKIT(""), keyfit.WithLogger(log)) // key: IMKIT_API_KEY_FILE
	if err != nil {
		return err
	}
	metrics, registry := prom.New(), prometheus.NewRegistry()
	if err := errors.Join(metrics.Add("app", client), registry.Register(metrics)); err != nil {
		return err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	log.Info("listening", "address", l.Addr().String())
	go func() { _ = client.Keys().Watch(ctx, poll) }()
	go work(ctx, client, every, log)
	srv := &http.Server{Handler: handler(client, registry), ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

func handler(client *keyfit.Client, registry *prometheus.Registry) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /livez", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if s := client.Keys().Status(); !s.Healthy {
			http.Error(w, fmt.Sprintf("not ready: %v", s.Attention), http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(client.Keys().Status())
	})
	return mux
}

// work is what the program is for.
func work(ctx context.Context, client *keyfit.Client, every time.Duration, log *slog.Logger) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if _, err := keyfit.Get[struct{}](ctx, client, "/admin/connection-count"); err != nil && ctx.Err() == nil {
			log.Error("call failed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// ask asks one address and fails unless the answer is good.
func ask(ctx context.Context, url string) error {
	if url == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("ask: %s", resp.Status)
	}
	return nil
}
