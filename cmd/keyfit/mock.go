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
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/keyfit/keyfit/internal/heaproom"
	"github.com/keyfit/keyfit/internal/privatefile"
	"github.com/keyfit/keyfit/mockserver"
)

func (a *app) mockCommand() *cobra.Command {
	var s settings
	cmd := &cobra.Command{
		Use: "mock", Short: "Run a mock of all five providers until Ctrl-C", Args: exactly(),
		Long: `mock listens on a loopback port for each provider and one for the admin API,
issues a key for each provider and prints a curl command that works.

SIGHUP (on unix systems) and POST /v1/reload read --config again: its limits,
profiles and faults replace the old ones. A file with an error changes nothing.
SIGTERM and Ctrl-C let requests in flight finish within --grace; a second one
ends the mock at once.`,
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
	if a.JSON && !flags.Changed("log") {
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
	m, err := newLocalMock(ctx, s, logger, mockserver.AdminConfig{
		Token: token, Hosts: s.adminHosts, Version: version(), Config: live.show, Reload: live.reload, Shutdown: end,
	}, false)
	if err != nil {
		return err
	}
	live.mock = m
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, mockSignals()...) // before anybody is told that it is ready
	defer signal.Stop(signals)
	if err := a.announce(m, s, time.Since(begun)); err != nil {
		return errors.Join(err, m.close())
	}
	defer heaproom.Keep()() // now, because making it runs the collector
	live.serve(ctx, signals, logger)
	return a.end(m, s.grace, signals)
}

// announce writes the ready file, and then the banner: whoever reads it finds the file.
func (a *app) announce(m *localMock, s *settings, took time.Duration) error {
	if s.readyFile != "" {
		if err := m.writeReady(s.readyFile); err != nil {
			return err
		}
	}
	if a.JSON {
		if err := json.NewEncoder(a.Out).Encode(m.ready()); err != nil { // one line, for programs that read lines
			return fmt.Errorf("write: %w", err)
		}
		return nil
	}
	return m.banner(a.Out, took)
}

// end lets requests in flight finish within grace. Another signal ends them at once.
func (a *app) end(m *localMock, grace time.Duration, signals <-chan os.Signal) error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	go func() {
		for {
			select {
			case sig := <-signals:
				if !isReload(sig) {
					cancel()
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	err := m.srv.Shutdown(ctx)
	return errors.Join(err, m.close())
}

func (a *app) logger(kind string) *slog.Logger {
	switch kind {
	case "json":
		return slog.New(slog.NewJSONHandler(a.Err, nil))
	case "text":
		return slog.New(slog.NewTextHandler(a.Err, nil))
	}
	return nil
}

// mockToken returns the admin token: from the environment, or else from the file, or else a
// new one, which it writes to the file. Without a file it returns "", and the mock makes one.
func (a *app) mockToken(path string) (string, error) {
	if token, ok := a.Env("KEYFIT_ADMIN_TOKEN"); ok && token != "" {
		return checkToken(token, "KEYFIT_ADMIN_TOKEN")
	}
	if path == "" {
		return "", nil
	}
	token, err := readToken(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return token, err
	}
	var b [24]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	token = hex.EncodeToString(b[:])
	err = privatefile.Create(path, []byte(token+"\n"))
	if errors.Is(err, fs.ErrExist) { // of another mock that starts at this moment, or a link that leads nowhere
		return readToken(path)
	}
	if err != nil {
		return "", fmt.Errorf("admin token file: %w", err)
	}
	return token, nil
}

func readToken(path string) (string, error) {
	data, err := os.ReadFile(path) //nolint:gosec // the user's own choice
	if err != nil {
		return "", fmt.Errorf("admin token file: %w", err)
	}
	return checkToken(strings.TrimSpace(string(data)), path)
}

func checkToken(token, place string) (string, error) {
	if len(token) < 16 {
		return "", fmt.Errorf("%s: the admin token has %d characters, but must have 16 or more", place, len(token))
	}
	return token, nil
}
