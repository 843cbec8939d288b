package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/vendors"
	"github.com/keyfit/keyfit/mockserver"
)

// kept are the variables that --keep-env leaves to the command: names and patterns, which
// only apply to vendors that are not imitated.
type kept []string

func (k kept) has(name string) bool {
	return slices.ContainsFunc(k, func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	})
}

// check returns an error for a bad pattern, and for a variable that would contradict the mock.
func (k kept) check(m *localMock) error {
	for _, pattern := range k {
		if _, err := path.Match(pattern, ""); err != nil {
			return cli.Usagef("--keep-env %q is not a name or a pattern such as OPTIMOVE_*", pattern)
		}
		if kind, p := m.classify(pattern); kind == vendors.Read && m.imitates(p) && !strings.ContainsAny(pattern, `*?[\`) {
			return cli.Usagef("--keep-env %s: the mock imitates %s; leave it out of --providers to keep its own variables", pattern, p)
		}
	}
	return nil
}

// imitates reports whether the mock imitates the provider.
func (m *localMock) imitates(provider string) bool {
	_, ok := m.urls[mockserver.Provider(provider)]
	return ok
}

// classify is vendors.Classify that knows the mock's own APIs as well.
func (m *localMock) classify(name string) (kind vendors.Variable, provider string) {
	return vendors.ClassifyWith(name, names(m.srv.Providers()[len(mockserver.Providers()):]))
}

// childEnvironment returns the environment of the command: base with the mock's variables in
// it, and without every other credential and address of the vendors, unless keep has it.
// removed names those that the mock does not replace.
func (m *localMock) childEnvironment(base []string, keep kept) (env, removed []string, err error) {
	set := m.environment()
	old := make(map[string]string, len(base))
	for _, line := range base {
		name, value, _ := strings.Cut(line, "=")
		old[name] = value
	}
	for _, name := range []string{"NO_PROXY", "no_proxy"} { // the mock runs here, so no proxy may be asked
		set[name] = joinComma(old[name], "127.0.0.1,localhost,::1")
	}
	if err := m.trust(set, old["SSL_CERT_FILE"], old["JAVA_TOOL_OPTIONS"]); err != nil {
		return nil, nil, err
	}
	env = sorted(set)
	for _, line := range base {
		name, _, _ := strings.Cut(line, "=")
		if _, ours := set[name]; ours || isAdminVariable(name) {
			continue // in another case of letters, or beside the token itself: another mock's
		}
		kind, provider := m.classify(name)
		contradicts := kind == vendors.Read && m.imitates(provider)
		switch {
		case kind == vendors.Foreign, !contradicts && keep.has(name):
			env = append(env, line)
		case !contradicts:
			removed = append(removed, name)
		}
	}
	return env, removed, nil
}

// isAdminVariable reports whether a variable is of the admin API, in any case of letters: some
// systems do not tell them apart.
func isAdminVariable(name string) bool {
	return slices.ContainsFunc([]string{"admin-token-file", "admin-token", "admin-url"}, func(of string) bool { return strings.EqualFold(name, variable(of)) })
}

// trust adds the variables by which programs trust the mock's certificate, if it has one.
func (m *localMock) trust(set map[string]string, given, javaOptions string) error {
	if m.caFile == "" {
		return nil
	}
	bundle, err := m.bundle(given)
	if err != nil {
		return err
	}
	for _, name := range []string{"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"} {
		set[name] = bundle
	}
	set["NODE_EXTRA_CA_CERTS"] = m.caFile
	set["JAVA_TOOL_OPTIONS"] = strings.TrimSpace(javaOptions + " " + m.javaOptions()) // the last of two values counts
	return nil
}

// warn names the user's own variables that the command does not get, and those of .env that it
// may read instead of the mock's.
func (a *app) warn(m *localMock, dotenv string, removed []string, keep kept) {
	if len(removed) > 0 {
		slices.Sort(removed)
		a.Notice("the command does not get %s, and the mock has nothing in its place; --keep-env NAME leaves a variable to it", strings.Join(removed, ", "))
	}
	still := vendors.KeysInDotEnv(dotenv, func(provider string) bool { return !m.imitates(provider) })
	still = slices.DeleteFunc(still, keep.has)
	if len(still) > 0 {
		a.Notice(".env has %s, which the mock does not replace: a command that reads .env uses what is there", strings.Join(still, ", "))
	}
}

func joinComma(a, b string) string {
	if a == "" {
		return b
	}
	return a + "," + b
}

// systemCAs are the CAs that programs trust, in PEM: those of a file, or of the system.
func systemCAs(given string) []byte {
	for _, path := range []string{
		given, "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
	} { // the places where crypto/x509 looks
		data, err := os.ReadFile(path) //nolint:gosec // the user's own variable, and fixed paths
		if err == nil && len(data) > 0 {
			return data
		}
	}
	return nil
}

// bundle writes a file with the system's CAs and the mock's. SSL_CERT_FILE replaces the CAs
// that a program trusts, and the command may call other servers than the mock.
func (m *localMock) bundle(given string) (string, error) {
	roots := systemCAs(given)
	f, err := os.CreateTemp("", "keyfit-ca-*.pem")
	if err != nil {
		return "", fmt.Errorf("ca bundle: %w", err)
	}
	m.cleanup = append(m.cleanup, func() { _ = os.Remove(f.Name()) }) // a file that is left over does no harm
	_, err = f.Write(slices.Concat(roots, []byte("\n"), m.srv.CAPEM()))
	if err = errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("ca bundle: %w", err)
	}
	return f.Name(), nil
}
