package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/mockserver"
)

func (a *app) runCommand() *cobra.Command {
	var s settings
	cmd := &cobra.Command{
		Use: "run [flags] -- COMMAND [ARGS]", Short: "Run a command against a mock of its own",
		Long: `run starts a mock, issues keys, and runs COMMAND with their variables in its
environment: IMKIT_BASE_URL, IMKIT_API_KEY and the like for every provider,
IMKIT_CLIENT_KEY, IMKIT_USER_TOKEN and IMKIT_CLIENT_ID, IINIIT_ACCESS_TOKEN,
KEYFIT_ADMIN_URL and KEYFIT_ADMIN_TOKEN, and with --tls SSL_CERT_FILE,
NODE_EXTRA_CA_CERTS, REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE. It passes signals to
the command and exits with its exit code (127: command not found).`,
		Example: "  keyfit run -- npm test\n  keyfit run --freeze 2027-01-01T00:00:00Z -- pytest -q",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cli.Usagef("the command is missing: keyfit run -- COMMAND")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.runChild(cmd.Context(), cmd.Flags(), &s, args) },
	}
	cmd.Flags().SetInterspersed(false) // the first argument that is not a flag starts the command
	s.flags(cmd.Flags())
	return cmd
}

// The exit codes of a command that could not be started, as in a shell.
const (
	exitCannotRun = 126
	exitNotFound  = 127
)

func (a *app) runChild(ctx context.Context, flags *pflag.FlagSet, s *settings, args []string) error {
	if err := s.load(flags); err != nil {
		return err
	}
	if !flags.Changed("log") {
		s.log = "off" // the terminal belongs to the command
	}
	token, err := a.mockToken(s.tokenFile)
	if err != nil {
		return err
	}
	m, err := newLocalMock(ctx, s, a.logger(s.log), mockserver.AdminConfig{Token: token, Hosts: s.adminHosts, Version: version()}, true)
	if err != nil {
		return err
	}
	env, err := m.childEnvironment(os.Environ())
	if err == nil && s.readyFile != "" {
		err = m.writeReady(s.readyFile)
	}
	if err != nil {
		return errors.Join(err, m.close())
	}
	code, err := a.exec(args, env)
	if err = errors.Join(err, m.close()); err != nil && code == 0 {
		return err
	}
	if err != nil {
		_, _ = fmt.Fprintf(a.Err, "keyfit: %s\n", err)
	}
	if code != 0 {
		return cli.ExitError(code)
	}
	return nil
}

// exec runs the command to its end. The code is the one that a shell would return.
func (a *app) exec(args, env []string) (int, error) {
	cmd := exec.Command(args[0], args[1:]...) //nolint:gosec,noctx // running what the user names is the purpose, and signals end it
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, a.In, a.Out, a.Err
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, forwarded()...)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
			return exitNotFound, fmt.Errorf("command %q not found", args[0])
		}
		return exitCannotRun, fmt.Errorf("cannot run %q: %w", args[0], err)
	}
	over := make(chan struct{})
	defer close(over)
	go func() {
		for {
			select {
			case sig := <-signals:
				if !a.reachesChild(sig) {
					_ = cmd.Process.Signal(sig) // an error means that it has just ended
				}
			case <-over:
				return
			}
		}
	}()
	err := cmd.Wait()
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		return exitCode(cmd.ProcessState), nil
	}
	if err != nil {
		return cli.ExitFailure, fmt.Errorf("%s: %w", args[0], err)
	}
	return 0, nil
}

// reachesChild reports whether the terminal sends the signal to the command by itself: Ctrl-C
// goes to every process in the foreground, so passing it on would send it twice.
func (a *app) reachesChild(sig os.Signal) bool {
	in, ok := a.In.(*os.File)
	if !ok || !fromKeyboard(sig) {
		return false
	}
	info, err := in.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull) // a character device too, but not a terminal
	return err == nil && !os.SameFile(info, null)
}

// childEnvironment returns the environment of the command: base with the mock's variables in
// it, and without variables that would contradict them.
func (m *localMock) childEnvironment(base []string) ([]string, error) {
	set := m.environment()
	drop := make(map[string]bool)
	for _, p := range mockserver.Providers() {
		name := strings.ToUpper(string(p))
		drop[name+"_API_KEY_FILE"] = true // beside the key itself it is an error for the SDK
		drop[name+"_API_KEY_EXPIRES"] = true
	}
	old := make(map[string]string, len(base))
	for _, line := range base {
		name, value, _ := strings.Cut(line, "=")
		old[name] = value
	}
	for _, name := range []string{"NO_PROXY", "no_proxy"} { // the mock runs here, so no proxy may be asked
		set[name] = joinComma(old[name], "127.0.0.1,localhost,::1")
	}
	if m.caFile != "" {
		bundle, err := m.bundle(old["SSL_CERT_FILE"])
		if err != nil {
			return nil, err
		}
		for _, name := range []string{"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"} {
			set[name] = bundle
		}
		set["NODE_EXTRA_CA_CERTS"] = m.caFile
	}
	env := sorted(set)
	for _, line := range base {
		name, _, _ := strings.Cut(line, "=")
		if _, ours := set[name]; !ours && !drop[name] {
			env = append(env, line)
		}
	}
	return env, nil
}

func joinComma(a, b string) string {
	if a == "" {
		return b
	}
	return a + "," + b
}

// bundle writes a file with the system's CAs and the mock's. SSL_CERT_FILE replaces the CAs
// that a program trusts, and the command may call other servers than the mock.
func (m *localMock) bundle(given string) (string, error) {
	var roots []byte
	for _, path := range []string{
		given, "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
	} { // the places where crypto/x509 looks
		data, err := os.ReadFile(path) //nolint:gosec // the user's own variable, and fixed paths
		if err == nil && len(data) > 0 {
			roots = data
			break
		}
	}
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
