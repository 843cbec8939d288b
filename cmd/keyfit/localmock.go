package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/admin"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/internal/privatefile"
	"github.com/keyfit/keyfit/mockserver"
)

// localMock is a mock that runs in this process.
type localMock struct {
	srv        *mockserver.Server
	adminURL   string
	urls       map[mockserver.Provider]string
	issued     map[mockserver.Provider]mockserver.Issued
	apis       []mockserver.API  // of one's own
	pair       mockserver.Issued // IMKIT's client key and user token
	bearer     mockserver.Issued // iiniit's
	caFile     string
	trustStore string                  // beside caFile
	faults     []*mockserver.Injection // of the configuration
	keys       keyFiles
	cleanup    []func()
}

// newLocalMock starts a mock and issues a key for each provider, unless the settings say that
// there are to be none. If the state file has keys already, it issues more only if always is
// true.
func newLocalMock(ctx context.Context, s *settings, logger *slog.Logger, api mockserver.AdminConfig, always bool) (*localMock, error) {
	opts, err := s.options()
	if err != nil {
		return nil, err
	}
	if logger != nil {
		opts = append(opts, mockserver.WithLogger(logger))
	}
	m := &localMock{apis: s.apis, urls: make(map[mockserver.Provider]string), issued: make(map[mockserver.Provider]mockserver.Issued)}
	m.keys.log = logger
	opts = append(opts, mockserver.WithSuccessors(m.keys.succeed))
	if m.srv, err = mockserver.NewHandler(append(opts, mockserver.WithAdmin(api))...); err != nil {
		return nil, err
	}
	for _, step := range []func() error{
		func() error { return m.listen(s) },
		func() error { return m.inject(s.file.Faults) },
		func() error { return m.issue(ctx, s, always) },
		func() error { return m.writeCA(s.caFile) },
		func() error { return m.writeKeys(s.keyFiles) },
		func() error { return m.play(s) },
	} {
		if err := step(); err != nil {
			return nil, errors.Join(err, m.close())
		}
	}
	return m, nil
}

func (s *settings) played() []mockserver.Provider {
	if len(s.providers) == 0 {
		return s.known()
	}
	var out []mockserver.Provider
	for _, p := range s.known() {
		if slices.ContainsFunc(s.providers, func(name string) bool { return strings.EqualFold(name, string(p)) }) {
			out = append(out, p)
		}
	}
	return out
}

func (m *localMock) listen(s *settings) error {
	host, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		return cli.Usagef("--addr %q is not host:port", s.addr)
	}
	first, err := strconv.Atoi(port)
	if err != nil {
		return cli.Usagef("--addr: %q is not a port number", port)
	}
	for i, p := range s.played() {
		at := first
		if first != 0 {
			at += i
		}
		addr := net.JoinHostPort(host, strconv.Itoa(at))
		if m.urls[p], err = m.srv.Listen(p, addr); err != nil {
			return portError(err, string(p), addr, "addr")
		}
	}
	if m.adminURL, err = m.srv.ListenAdmin(s.admin); err != nil {
		return portError(err, "the admin API", s.admin, "admin")
	}
	return nil
}

func portError(err error, what, addr, flag string) error {
	host, _, _ := net.SplitHostPort(addr)
	switch {
	case errors.Is(err, errAddressInUse):
		return fmt.Errorf("%s, for %s, is in use; end the program that uses it, or give --%s %s for a free port", addr, what, flag, net.JoinHostPort(host, "0"))
	case errors.Is(err, errAddressForbidden):
		return fmt.Errorf("%s, for %s, may not be used by this user; give a port above 1023 with --%s", addr, what, flag)
	}
	return fmt.Errorf("cannot listen on %s for %s: %w", addr, what, err)
}

func (m *localMock) inject(faults []mockserver.FaultSpec) error {
	for i := range faults {
		if err := faults[i].ValidFor(m.srv.Providers()); err != nil {
			return fmt.Errorf("config: faults[%d]: %w", i, err)
		}
	}
	for _, i := range m.faults {
		i.Remove()
	}
	m.faults = nil
	for _, f := range faults {
		m.faults = append(m.faults, m.srv.Inject(f.Match, f.Fault, f.When...))
	}
	return nil
}

// issue issues the keys of the configuration and one for each provider. The values of keys
// that the state file restored are not known, so they cannot be printed.
func (m *localMock) issue(ctx context.Context, s *settings, always bool) error {
	if s.noKeys || !always && len(m.srv.Keys().List(mockserver.KeyFilter{})) > 0 {
		return nil
	}
	client, err := admin.NewClient(m.srv.LocalAdminURL(), m.srv.AdminToken().Reveal(), true) // to this process, at whatever address it listens
	if err != nil {
		return err
	}
	for i, spec := range s.file.Keys {
		var key map[string]json.RawMessage
		if err := decodeStrict(spec, &key); err != nil || key == nil {
			return cli.Usagef("config: keys[%d] is not an object", i)
		}
		if _, given := key["lasting"]; !given {
			key["lasting"] = json.RawMessage("true")
		}
		if err := client.Call(ctx, http.MethodPost, "/v1/namespaces/default/keys", key, nil); err != nil {
			return fmt.Errorf("config: keys[%d]: %w", i, err)
		}
	}
	opts := []mockserver.KeyOption{mockserver.Named(startKeyName), mockserver.Lasting()}
	for _, p := range s.played() {
		if m.issued[p], err = m.srv.Keys().TryIssue(p, opts...); err != nil {
			return err
		}
		switch p {
		case mockserver.IMKIT:
			m.pair, err = m.srv.Keys().TryIssue(p, append(opts, mockserver.ClientKey(imkitUser))...)
		case mockserver.Iiniit:
			m.bearer, err = m.srv.Keys().TryIssue(p, append(opts, mockserver.Bearer())...)
		default:
		}
		if err != nil {
			return err
		}
	}
	return nil
}

const imkitUser = "user001"

// startKeyName is the name of the keys that a mock issues at its start: nobody takes it for
// that of a real key.
const startKeyName = "Lorem Fitsum"

// writeCA writes the CA's certificate to a file for programs and curl.
func (m *localMock) writeCA(path string) error {
	pem := m.srv.CAPEM()
	if pem == nil {
		return nil
	}
	if path == "" {
		dir, err := os.MkdirTemp("", "keyfit-*")
		if err != nil {
			return fmt.Errorf("ca file: %w", err)
		}
		m.cleanup = append(m.cleanup, func() { _ = os.RemoveAll(dir) }) // a file that is left over does no harm
		path = filepath.Join(dir, "ca.pem")
	}
	if err := privatefile.Replace(path, pem); err != nil { // it is no secret, but trusted
		return fmt.Errorf("ca file: %w", err)
	}
	m.caFile = path
	return m.writeTrustStore()
}

// close ends the mock at once and removes its files.
func (m *localMock) close() error {
	err := m.srv.Close()
	for _, f := range m.cleanup {
		f()
	}
	return err
}

// variableName is how the variables of a provider begin.
func variableName(provider string) string {
	return strings.ReplaceAll(strings.ToUpper(provider), "-", "_")
}

// environment returns the variables that a program needs to call the mock.
func (m *localMock) environment() map[string]string {
	env := map[string]string{"KEYFIT_ADMIN_URL": m.adminURL, "KEYFIT_ADMIN_TOKEN": m.srv.AdminToken().Reveal()}
	for p, url := range m.urls {
		name := variableName(string(p))
		env[name+"_BASE_URL"] = url
		if i, ok := m.issued[p]; ok {
			env[name+"_API_KEY"] = i.Secret.Reveal()
			if i.Kind == mockserver.KindPair {
				delete(env, name+"_API_KEY")
				env[name+"_CLIENT_KEY"], env[name+"_USER_TOKEN"] = i.Secret.Reveal(), i.Token.Reveal()
			}
			if file := m.keys.path(i); file != "" {
				delete(env, name+"_API_KEY")
				env[name+"_API_KEY_FILE"] = file
			} else if !i.Expires.IsZero() {
				env[name+"_API_KEY_EXPIRES"] = i.Expires.Format("2006-01-02T15:04:05Z07:00")
			}
		}
	}
	if !m.pair.Secret.IsZero() {
		env["IMKIT_CLIENT_KEY"], env["IMKIT_USER_TOKEN"] = m.pair.Secret.Reveal(), m.pair.Token.Reveal()
		env["IMKIT_CLIENT_ID"] = imkitUser
	}
	if !m.bearer.Secret.IsZero() {
		env["IINIIT_ACCESS_TOKEN"] = m.bearer.Secret.Reveal()
	}
	return env
}

// readyDocument is the JSON that --ready-file and mock --json write.
type readyDocument struct {
	PID   int                            `json:"pid"`
	URLs  map[mockserver.Provider]string `json:"urls"`
	Admin struct {
		URL   string `json:"url"`
		Token string `json:"token"`
	} `json:"admin"`
	CAFile     string            `json:"caFile,omitempty"`
	TrustStore string            `json:"trustStore,omitempty"` // Java's, in PKCS #12
	Env        map[string]string `json:"env"`
}

func (m *localMock) ready() readyDocument {
	d := readyDocument{PID: os.Getpid(), URLs: m.urls, CAFile: m.caFile, TrustStore: m.trustStore, Env: m.environment()}
	d.Admin.URL, d.Admin.Token = m.adminURL, m.srv.AdminToken().Reveal()
	return d
}

// writeReady writes the document, which has secrets in it, in one step: a program that waits
// for the file never reads half of it. A link at that path is replaced and not followed.
func (m *localMock) writeReady(path string) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	if err := e.Encode(m.ready()); err != nil {
		return fmt.Errorf("ready file: %w", err)
	}
	privatefile.Sweep(path, privatefile.Stale)
	if err := privatefile.Replace(path, b.Bytes()); err != nil {
		return fmt.Errorf("ready file: %w", err)
	}
	ours, err := os.Lstat(path)
	m.cleanup = append(m.cleanup, func() { // it would name a mock that has ended
		if now, nowErr := os.Lstat(path); err == nil && nowErr == nil && os.SameFile(ours, now) {
			_ = os.Remove(path) // another mock's is left
		}
	})
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
