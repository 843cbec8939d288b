package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/keyfit/keyfit/mockserver"
)

// world is a mock that runs in this process.
type world struct {
	srv      *mockserver.Server
	adminURL string
	urls     map[mockserver.Provider]string
	issued   map[mockserver.Provider]mockserver.Issued
	pair     mockserver.Issued // IMKIT's client key and user token
	bearer   mockserver.Issued // iiniit's
	caFile   string
	faults   []*mockserver.Injection // of the configuration
	cleanup  []func()
}

// newWorld starts a mock and issues a key for each provider, unless the state
// file has keys already.
func newWorld(ctx context.Context, s *settings, logger *slog.Logger, admin mockserver.AdminConfig, always bool) (*world, error) {
	opts, err := s.options()
	if err != nil {
		return nil, err
	}
	if logger != nil {
		opts = append(opts, mockserver.WithLogger(logger))
	}
	w := &world{urls: make(map[mockserver.Provider]string), issued: make(map[mockserver.Provider]mockserver.Issued)}
	if w.srv, err = mockserver.NewHandler(append(opts, mockserver.WithAdmin(admin))...); err != nil {
		return nil, err
	}
	for _, step := range []func() error{
		func() error { return w.listen(s) },
		func() error { return w.inject(s.file.Faults) },
		func() error { return w.issue(ctx, s, always) },
		func() error { return w.writeCA(s.caFile) },
	} {
		if err := step(); err != nil {
			return nil, errors.Join(err, w.close())
		}
	}
	return w, nil
}

func (s *settings) played() []mockserver.Provider {
	if len(s.providers) == 0 {
		return mockserver.Providers()
	}
	var out []mockserver.Provider
	for _, p := range mockserver.Providers() {
		if slices.ContainsFunc(s.providers, func(name string) bool { return strings.EqualFold(name, string(p)) }) {
			out = append(out, p)
		}
	}
	return out
}

func (w *world) listen(s *settings) error {
	host, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		return usage("--addr %q is not host:port", s.addr)
	}
	first, err := strconv.Atoi(port)
	if err != nil {
		return usage("--addr: %q is no port number", port)
	}
	for i, p := range s.played() {
		at := first
		if first != 0 {
			at += i
		}
		addr := net.JoinHostPort(host, strconv.Itoa(at))
		if w.urls[p], err = w.srv.Listen(p, addr); err != nil {
			return portError(err, string(p), addr, "addr")
		}
	}
	if w.adminURL, err = w.srv.ListenAdmin(s.admin); err != nil {
		return portError(err, "the admin API", s.admin, "admin")
	}
	return nil
}

func portError(err error, what, addr, flag string) error {
	host, _, _ := net.SplitHostPort(addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s is in use, wanted for %s; end what uses it, or say --%s %s to take a free port", addr, what, flag, net.JoinHostPort(host, "0"))
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%s may not be used by this user, wanted for %s; take a port above 1023 with --%s", addr, what, flag)
	}
	return fmt.Errorf("cannot listen on %s for %s: %w", addr, what, err)
}

func (w *world) inject(faults []mockserver.FaultSpec) error {
	for i := range faults {
		if err := faults[i].Valid(); err != nil {
			return fmt.Errorf("config: faults[%d]: %w", i, err)
		}
	}
	for _, i := range w.faults {
		i.Remove()
	}
	w.faults = nil
	for _, f := range faults {
		w.faults = append(w.faults, w.srv.Inject(f.Match, f.Fault, f.When...))
	}
	return nil
}

// issue makes the configuration's keys and one of each provider. The state
// file holds no values, so what it restored cannot be shown.
func (w *world) issue(ctx context.Context, s *settings, always bool) error {
	if !always && (s.noKeys || len(w.srv.Keys().List(mockserver.KeyFilter{})) > 0) {
		return nil
	}
	client := &adminClient{url: w.adminURL, token: w.srv.AdminToken().Reveal(), http: &http.Client{}}
	for i, spec := range s.file.Keys {
		if err := client.call(ctx, http.MethodPost, "/v1/namespaces/default/keys", spec, nil); err != nil {
			return fmt.Errorf("config: keys[%d]: %w", i, err)
		}
	}
	named := mockserver.Named("start")
	var err error
	for _, p := range s.played() {
		if w.issued[p], err = w.srv.Keys().TryIssue(p, named); err != nil {
			return err
		}
		switch p {
		case mockserver.IMKIT:
			w.pair, err = w.srv.Keys().TryIssue(p, named, mockserver.ClientKey(imkitUser))
		case mockserver.Iiniit:
			w.bearer, err = w.srv.Keys().TryIssue(p, named, mockserver.Bearer())
		default:
		}
		if err != nil {
			return err
		}
	}
	return nil
}

const imkitUser = "user001"

// writeCA puts the CA where children and curl find it.
func (w *world) writeCA(path string) error {
	pem := w.srv.CAPEM()
	if pem == nil {
		return nil
	}
	if path == "" {
		dir, err := os.MkdirTemp("", "keyfit-*")
		if err != nil {
			return fmt.Errorf("ca file: %w", err)
		}
		w.cleanup = append(w.cleanup, func() { _ = os.RemoveAll(dir) }) // a leftover does no harm
		path = filepath.Join(dir, "ca.pem")
	}
	if err := os.WriteFile(path, pem, 0o600); err != nil {
		return fmt.Errorf("ca file: %w", err)
	}
	w.caFile = path
	return nil
}

// close stops everything at once.
func (w *world) close() error {
	err := w.srv.Close()
	for _, f := range w.cleanup {
		f()
	}
	return err
}

// environment is what a program needs to find the mock, by variable.
func (w *world) environment() map[string]string {
	env := map[string]string{"KEYFIT_ADMIN_URL": w.adminURL, "KEYFIT_ADMIN_TOKEN": w.srv.AdminToken().Reveal()}
	for p, url := range w.urls {
		name := strings.ToUpper(string(p))
		env[name+"_BASE_URL"] = url
		if i, ok := w.issued[p]; ok {
			env[name+"_API_KEY"] = i.Secret.Reveal()
			if !i.Expires.IsZero() {
				env[name+"_API_KEY_EXPIRES"] = i.Expires.Format("2006-01-02T15:04:05Z07:00")
			}
		}
	}
	if !w.pair.Secret.IsZero() {
		env["IMKIT_CLIENT_KEY"], env["IMKIT_USER_TOKEN"] = w.pair.Secret.Reveal(), w.pair.Token.Reveal()
		env["IMKIT_CLIENT_ID"] = imkitUser
	}
	if !w.bearer.Secret.IsZero() {
		env["IINIIT_ACCESS_TOKEN"] = w.bearer.Secret.Reveal()
	}
	return env
}

// readyDocument is what --ready-file and mock --json write.
type readyDocument struct {
	PID   int                            `json:"pid"`
	URLs  map[mockserver.Provider]string `json:"urls"`
	Admin struct {
		URL   string `json:"url"`
		Token string `json:"token"`
	} `json:"admin"`
	CAFile string            `json:"caFile,omitempty"`
	Env    map[string]string `json:"env"`
}

func (w *world) ready() readyDocument {
	d := readyDocument{PID: os.Getpid(), URLs: w.urls, CAFile: w.caFile, Env: w.environment()}
	d.Admin.URL, d.Admin.Token = w.adminURL, w.srv.AdminToken().Reveal()
	return d
}

// writeReady writes the document as a whole: who waits for the file never
// reads half of it.
func (w *world) writeReady(path string) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	if err := e.Encode(w.ready()); err != nil {
		return fmt.Errorf("ready file: %w", err)
	}
	tmp := path + ".tmp"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("ready file: %w", err)
	}
	if err := os.WriteFile(tmp, b.Bytes(), 0o600); err != nil {
		return fmt.Errorf("ready file: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("ready file: %w", err)
	}
	w.cleanup = append(w.cleanup, func() { _ = os.Remove(path) }) // it says what is not true any more
	return nil
}

// sorted returns NAME=value lines.
func sorted(env map[string]string) []string {
	lines := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		lines = append(lines, name+"="+env[name])
	}
	return lines
}
