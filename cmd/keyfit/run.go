package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/job"
	"github.com/keyfit/keyfit/mockserver"
)

func (a *app) runCommand() *cobra.Command {
	var s settings
	var keep []string
	cmd := &cobra.Command{
		Use: "run [flags] -- COMMAND [ARGS]", Short: "Run a command against a mock of its own",
		Long: `run starts a mock, issues keys, and runs COMMAND with their variables in its
environment: IMKIT_BASE_URL, IMKIT_API_KEY and the like for every provider,
IMKIT_CLIENT_KEY, IMKIT_USER_TOKEN and IMKIT_CLIENT_ID, IINIIT_ACCESS_TOKEN,
KEYFIT_ADMIN_URL and KEYFIT_ADMIN_TOKEN, and with --tls SSL_CERT_FILE,
NODE_EXTRA_CA_CERTS, REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE. It passes signals to
the command and exits with its exit code (127: command not found).

COMMAND gets no other key, token or address of the five providers: the variables that
the SDK reads and others with names such as OPTIMOVE_SECRET are taken out, also for
providers that --providers leaves out. --keep-env 'OPTIMOVE_*' leaves them.`,
		Example: "  keyfit run -- npm test\n  keyfit run --freeze 2027-01-01T00:00:00Z -- pytest -q",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 || args[0] == "" {
				return cli.Usagef("the command is missing: keyfit run -- COMMAND")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runChild(cmd.Context(), cmd.Flags(), &s, keep, args)
		},
	}
	cmd.Flags().SetInterspersed(false) // the first argument that is not a flag starts the command
	s.flags(cmd.Flags())
	s.log, cmd.Flags().Lookup("log").DefValue = "off", "off" // the terminal belongs to the command
	cmd.Flags().StringSliceVar(&keep, "keep-env", nil, "leave this `variable` of a provider that is not imitated to COMMAND; * matches any text")
	return cmd
}

func (a *app) runChild(ctx context.Context, flags *pflag.FlagSet, s *settings, keep kept, args []string) error {
	if err := s.load(flags); err != nil {
		return err
	}
	token, err := a.mockToken(s.tokenFile)
	if err != nil {
		return err
	}
	m, err := newLocalMock(ctx, s, a.logger(s.log), mockserver.AdminConfig{Token: token, Hosts: s.adminHosts, Version: version()}, true)
	if err != nil {
		return err
	}
	env, removed, err := m.childEnvironment(os.Environ(), keep)
	if err == nil {
		err = keep.check(m)
	}
	if err == nil && s.readyFile != "" {
		err = m.writeReady(s.readyFile)
	}
	if err != nil {
		return errors.Join(err, m.close())
	}
	a.warn(m, ".env", removed, keep)
	code, err := a.exec(args, env)
	if left := m.unfinished(); left != "" {
		a.Notice("%s", left)
	}
	if err = errors.Join(err, m.close()); err != nil && code == 0 {
		return err
	}
	if err != nil {
		a.Fail(err, "")
	}
	if code != 0 {
		return cli.ExitError(code)
	}
	return nil
}

// exec runs the command to its end. The code is the one that a shell would return.
func (a *app) exec(args, env []string) (int, error) {
	cmd := exec.Command(args[0], args[1:]...) //nolint:gosec,noctx // running what the user names is the purpose, and signals end it
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, a.In, cli.Raw(a.Out), cli.Raw(a.Err)
	code, err := job.Run(cmd)
	switch {
	case errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist):
		return job.ExitNotFound, fmt.Errorf("command %q not found", args[0])
	case err != nil:
		return job.ExitCannotRun, fmt.Errorf("cannot run %q: %w", args[0], rootCause(err))
	}
	return code, nil
}
