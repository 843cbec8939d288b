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

	"github.com/keyfit/keyfit/mockserver"
)

func (a *app) runCommand() *cobra.Command {
	var s settings
	cmd := &cobra.Command{
		Use: "run [flags] -- COMMAND [ARGS]", Short: "Run a command against a mock of its own",
		Long: `run starts a mock, issues keys, and runs COMMAND with what it needs in its
environment: IMKIT_BASE_URL, IMKIT_API_KEY and the like for every provider,
IMKIT_CLIENT_KEY, IMKIT_USER_TOKEN and IMKIT_CLIENT_ID, IINIIT_ACCESS_TOKEN,
KEYFIT_ADMIN_URL and KEYFIT_ADMIN_TOKEN, and with --tls SSL_CERT_FILE,
NODE_EXTRA_CA_CERTS, REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE. It passes signals to
the command and ends with its exit code (127: there is no such command).`,
		Example: "  keyfit run -- npm test\n  keyfit run --freeze 2027-01-01T00:00:00Z -- pytest -q",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("the command to run is missing: keyfit run -- COMMAND")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.runChild(cmd.Context(), cmd.Flags(), &s, args) },
	}
	cmd.Flags().SetInterspersed(false) // the first word that is no flag starts the command
	s.flags(cmd.Flags())
	return cmd
}

// The exit codes of a command that could not be started, as shells have them.
const (
	exitCannotRun = 126
	exitNotFound  = 127
)

func (a *app) runChild(ctx context.Context, flags *pflag.FlagSet, s *settings, args []string) error {
	if err := s.load(flags); err != nil {
		return err
	}
	if !flags.Changed("log") {
		s.log = "off" // the command has the terminal
	}
	token, err := a.mockToken(s.tokenFile)
	if err != nil {
		return err
	}
	w, err := newWorld(ctx, s, a.logger(s.log), mockserver.AdminConfig{Token: token, Hosts: s.adminHosts, Version: version()}, true)
	if err != nil {
		return err
	}
	env, err := w.childEnvironment(os.Environ())
	if err == nil && s.readyFile != "" {
		err = w.writeReady(s.readyFile)
	}
	if err != nil {
		return errors.Join(err, w.close())
	}
	code, err := a.exec(args, env)
	if err = errors.Join(err, w.close()); err != nil && code == 0 {
		return err
	}
	if err != nil {
		_, _ = fmt.Fprintf(a.err, "keyfit: %s\n", err)
	}
	if code != 0 {
		return exitError(code)
	}
	return nil
}

// exec runs the command to its end. The code is what a shell would say.
func (a *app) exec(args, env []string) (int, error) {
	cmd := exec.Command(args[0], args[1:]...) //nolint:gosec,noctx // to run what the user says is the purpose; it ends by its own will
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, a.in, a.out, a.err
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, forwarded()...)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
			return exitNotFound, fmt.Errorf("no command %q", args[0])
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
					_ = cmd.Process.Signal(sig) // it may have ended just now
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
		return exitFailure, fmt.Errorf("%s: %w", args[0], err)
	}
	return 0, nil
}

// reachesChild reports whether the terminal sends the signal to the command by
// itself: Ctrl-C goes to everybody in the foreground, and twice is once too
// often.
func (a *app) reachesChild(sig os.Signal) bool {
	in, ok := a.in.(*os.File)
	if !ok || !fromKeyboard(sig) {
		return false
	}
	info, err := in.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull) // a device too, and no keyboard
	return err == nil && !os.SameFile(info, null)
}

// childEnvironment is the environment of a command under run: ours over what
// there was, and nothing that would contradict it.
func (w *world) childEnvironment(base []string) ([]string, error) {
	set := w.environment()
	drop := make(map[string]bool)
	for _, p := range mockserver.Providers() {
		name := strings.ToUpper(string(p))
		drop[name+"_API_KEY_FILE"] = true // beside a key it is an error for the SDK
		drop[name+"_API_KEY_EXPIRES"] = true
	}
	old := make(map[string]string, len(base))
	for _, line := range base {
		name, value, _ := strings.Cut(line, "=")
		old[name] = value
	}
	for _, name := range []string{"NO_PROXY", "no_proxy"} { // the mock is here, whatever proxy there is
		set[name] = joinComma(old[name], "127.0.0.1,localhost,::1")
	}
	if w.caFile != "" {
		bundle, err := w.bundle(old["SSL_CERT_FILE"])
		if err != nil {
			return nil, err
		}
		for _, name := range []string{"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"} {
			set[name] = bundle
		}
		set["NODE_EXTRA_CA_CERTS"] = w.caFile
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

// bundle writes a file with the system's CAs and ours: SSL_CERT_FILE replaces
// what a program trusts, and the command may call others than the mock.
func (w *world) bundle(given string) (string, error) {
	var roots []byte
	for _, path := range []string{
		given, "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
	} { // as crypto/x509 looks for them
		data, err := os.ReadFile(path) //nolint:gosec // the user's own variable, and fixed places
		if err == nil && len(data) > 0 {
			roots = data
			break
		}
	}
	f, err := os.CreateTemp("", "keyfit-ca-*.pem")
	if err != nil {
		return "", fmt.Errorf("ca bundle: %w", err)
	}
	w.cleanup = append(w.cleanup, func() { _ = os.Remove(f.Name()) }) // a leftover does no harm
	_, err = f.Write(slices.Concat(roots, []byte("\n"), w.srv.CAPEM()))
	if err = errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("ca bundle: %w", err)
	}
	return f.Name(), nil
}
