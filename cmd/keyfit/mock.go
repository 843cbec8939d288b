package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/keyfit/keyfit/mockserver"
)

func (a *app) mockCommand() *cobra.Command {
	var s settings
	cmd := &cobra.Command{
		Use: "mock", Short: "Run a mock of all five providers until Ctrl-C", Args: exactly(),
		Long: `mock listens on a loopback port for each provider and one for the admin API,
issues a key for each provider and prints a ready curl.

SIGHUP reads --config again; limits, profiles and faults of a file that is in
order replace the old ones, one that is not changes nothing. SIGTERM and Ctrl-C
let requests under way finish for --grace; the second one ends at once.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.mock(cmd.Context(), cmd.Flags(), &s) },
	}
	s.flags(cmd.Flags())
	return cmd
}

// mock runs until a signal or POST /v1/shutdown.
func (a *app) mock(ctx context.Context, flags *pflag.FlagSet, s *settings) error {
	begun := time.Now()
	given := changed(flags)
	if err := s.load(flags); err != nil {
		return err
	}
	if a.json && !flags.Changed("log") {
		s.log = "json"
	}
	token, err := a.mockToken(s.tokenFile)
	if err != nil {
		return err
	}
	live := &liveSettings{given: given, now: s}
	ctx, end := context.WithCancel(ctx)
	defer end()
	logger := a.logger(s.log)
	w, err := newWorld(ctx, s, logger, mockserver.AdminConfig{
		Token: token, Hosts: s.adminHosts, Version: version(), Config: live.show, Reload: live.reload, Shutdown: end,
	}, false)
	if err != nil {
		return err
	}
	live.world = w
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP) // before anybody is told that it is ready
	defer signal.Stop(signals)
	if err := a.announce(w, s, time.Since(begun)); err != nil {
		return errors.Join(err, w.close())
	}
	live.serve(ctx, signals, logger)
	return a.end(w, s.grace, signals)
}

// announce writes the ready file and the banner.
func (a *app) announce(w *world, s *settings, took time.Duration) error {
	if s.readyFile != "" {
		if err := w.writeReady(s.readyFile); err != nil {
			return err
		}
	}
	if a.json {
		if err := json.NewEncoder(a.out).Encode(w.ready()); err != nil { // one line, for who reads lines
			return fmt.Errorf("write: %w", err)
		}
		return nil
	}
	return w.banner(a.out, took)
}

// end lets requests finish for grace; another signal cuts them off.
func (a *app) end(w *world, grace time.Duration, signals <-chan os.Signal) error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	go func() {
		for {
			select {
			case sig := <-signals:
				if sig != syscall.SIGHUP {
					cancel()
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	err := w.srv.Shutdown(ctx)
	return errors.Join(err, w.close())
}

func (a *app) logger(kind string) *slog.Logger {
	switch kind {
	case "json":
		return slog.New(slog.NewJSONHandler(a.err, nil))
	case "text":
		return slog.New(slog.NewTextHandler(a.err, nil))
	}
	return nil
}

// mockToken is the admin token: of the environment, of the file, or a new one
// that is written to the file.
func (a *app) mockToken(path string) (string, error) {
	if token, ok := a.env("KEYFIT_ADMIN_TOKEN"); ok && token != "" {
		return longEnough(token, "KEYFIT_ADMIN_TOKEN")
	}
	if path == "" {
		return "", nil
	}
	data, err := os.ReadFile(path) //nolint:gosec // the user's own choice
	switch {
	case err == nil:
		return longEnough(strings.TrimSpace(string(data)), path)
	case !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("admin token file: %w", err)
	}
	var b [24]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	token := hex.EncodeToString(b[:])
	if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("admin token file: %w", err)
	}
	return token, nil
}

func longEnough(token, place string) (string, error) {
	if len(token) < 16 {
		return "", fmt.Errorf("%s: the admin token has %d characters; give it 16 or more", place, len(token))
	}
	return token, nil
}

// changed lists the flags that the command line and the environment set.
func changed(flags *pflag.FlagSet) map[string]string {
	out := make(map[string]string)
	flags.Visit(func(f *pflag.Flag) {
		out[f.Name] = f.Value.String()
		if list, ok := f.Value.(pflag.SliceValue); ok {
			out[f.Name] = strings.Join(list.GetSlice(), ",")
		}
	})
	return out
}

// liveSettings are the settings in force. A reload replaces them as a whole or
// not at all.
type liveSettings struct {
	given map[string]string // by flag or variable; they win over the file
	world *world

	mu  sync.Mutex
	now *settings
}

// serve waits for the end and reloads on SIGHUP.
func (l *liveSettings) serve(ctx context.Context, signals <-chan os.Signal, logger *slog.Logger) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case sig := <-signals:
			if sig != syscall.SIGHUP {
				return
			}
			if err := l.reload(); err != nil {
				logger.Error("configuration not reloaded, the old one stays", "error", err)
				continue
			}
			logger.Info("configuration reloaded")
		}
	}
}

// reload reads the file again, checks all of it and only then changes
// anything.
func (l *liveSettings) reload() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now.config == "" {
		return errors.New("there is no configuration file to read again; start with --config")
	}
	var next settings
	flags := pflag.NewFlagSet("reload", pflag.ContinueOnError)
	next.flags(flags)
	for name, value := range l.given {
		if flags.Lookup(name) == nil {
			continue // --json is not the mock's own
		}
		if err := flags.Set(name, value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := next.load(flags); err != nil {
		return err
	}
	next.log = l.now.log
	if flags.Changed("log") && l.given["log"] == "" && l.now.log != next.log {
		return errors.New("log cannot change while the mock runs; start it anew")
	}
	was := l.now.fixed()
	for name, value := range next.fixed() {
		if was[name] != value {
			return fmt.Errorf("%s cannot change while the mock runs; start it anew", name)
		}
	}
	if err := l.world.inject(next.file.Faults); err != nil {
		return err
	}
	l.world.srv.Reconfigure(next.reloadable()...)
	l.now = &next
	return nil
}

// show is the configuration as GET /v1/config answers it.
func (l *liveSettings) show() any {
	l.mu.Lock()
	defer l.mu.Unlock()
	fixed := l.now.fixed()
	fixed["config"] = l.now.config
	return struct {
		Settings map[string]string `json:"settings"`
		fileSettings
	}{fixed, l.now.file}
}
