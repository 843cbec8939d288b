package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"github.com/spf13/pflag"
)

// liveSettings are the settings of a running mock. A reload replaces all of them or none.
type liveSettings struct {
	given map[string][]string // from flags and variables, which take precedence over the file
	mock  *localMock

	mu  sync.Mutex
	now *settings
}

// serve returns when the mock should end. Until then it reloads on the signal for it.
func (l *liveSettings) serve(ctx context.Context, signals <-chan os.Signal, logger *slog.Logger) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case sig := <-signals:
			if !isReload(sig) {
				return
			}
			if err := l.reload(); err != nil {
				logger.Error("configuration not reloaded, the old one stays active", "error", err)
				continue
			}
			logger.Info("configuration reloaded")
		}
	}
}

// reload reads the file again and checks all of it before it changes anything.
func (l *liveSettings) reload() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now.config == "" && len(l.now.apiFiles) == 0 && l.now.scenarioName == "" {
		return errors.New("there is no configuration file to read again; start with --config, --api or --scenario")
	}
	var next settings
	flags := pflag.NewFlagSet("reload", pflag.ContinueOnError)
	next.flags(flags)
	for name, values := range l.given {
		if flags.Lookup(name) == nil {
			continue // --json is a flag of every command, not a setting
		}
		for _, value := range values {
			if err := flags.Set(name, value); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	next.pipes = l.now.pipes
	if err := next.load(flags); err != nil {
		return err
	}
	next.log = l.now.log
	if flags.Changed("log") && l.given["log"] == nil && l.now.log != next.log {
		return errors.New("log cannot change while the mock runs; restart it")
	}
	was := l.now.fixed()
	for name, value := range next.fixed() {
		if was[name] != value {
			return fmt.Errorf("%s cannot change while the mock runs; restart it", name)
		}
	}
	if err := l.mock.checkReplay(l.now, &next); err != nil {
		return err
	}
	if err := l.redefine(&next); err != nil {
		return err
	}
	if err := l.mock.inject(next.file.Faults); err != nil {
		return err
	}
	l.mock.srv.Reconfigure(next.reloadable()...)
	err := l.mock.replay(l.now, &next)
	l.now = &next
	return err
}

// redefine gives the mock what its --api files, and the documents that these name, say now. It
// changes nothing if it fails.
func (l *liveSettings) redefine(next *settings) error {
	if err := l.mock.srv.Redefine(next.apis...); err != nil {
		return fmt.Errorf("--api: %w", err)
	}
	next.checks = l.now.checks.replace(next.checks)
	return nil
}

// show returns the configuration, for GET /v1/config.
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

// changed returns the flags that the command line or the environment has set.
func changed(flags *pflag.FlagSet) map[string][]string {
	out := make(map[string][]string)
	flags.Visit(func(f *pflag.Flag) {
		out[f.Name] = []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			out[f.Name] = list.GetSlice()
		}
	})
	return out
}
