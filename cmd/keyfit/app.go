package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
)

// app is one run of the program.
type app struct {
	cli.Terminal
	admin     adminFlags
	namespace string
}

// run is the program without its globals. It returns the exit code.
func run(ctx context.Context, args []string, t cli.Terminal) int {
	out, errs := cli.NewVisible(t.Out), cli.NewVisible(t.Err)
	t.Out, t.Err, t.Typed = out, errs, args
	a := &app{Terminal: t}
	root := a.root()
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) { // also without descriptions
		completeFlags(root)
	}
	root.SetArgs(append([]string{}, args...)) // nil would be the arguments of the process
	cmd, err := root.ExecuteContextC(ctx)
	written := out.Flush()
	code := cli.ExitOK
	if err != nil {
		if _, ok := errors.AsType[cli.UsageError](err); ok {
			a.JSON = a.JSON || wantsJSON(args, t.Env) // the flags may not have been read to their end
		}
		code = a.Fail(err, cmd.CommandPath())
	}
	if written != nil && code == cli.ExitOK {
		code = a.Fail(fmt.Errorf("the output cannot be written: %w", rootCause(written)), "")
	}
	_ = errs.Flush() // there is nowhere else to report it
	return code
}

// rootCause is the error of the system without the name of its call.
func rootCause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "keyfit",
		Short: "A mock of five key-protected APIs, and tools for their keys",
		Long: `keyfit is a mock of imin, MindKey, IMKIT, Optimove and iiniit, and a set of tools
for the keys of the real APIs.

The mock responds as the vendors do, also if a key is missing, wrong, expired, revoked,
rotated or used too often. Most commands run or control it, for example:

  keyfit run -- npm test          run a command against a mock of its own
  keyfit mock                     run a mock until Ctrl-C
  keyfit keys issue imkit         control a running mock (KEYFIT_ADMIN_URL, KEYFIT_ADMIN_TOKEN)

Three tools find your own keys in the environment and in .env, and two look at running
programs and at keys by name:

  keyfit check                    try the keys at the real APIs; an alarm with --fail-within
  keyfit call mindkey GET /ping   send one request
  keyfit rotate imkit             replace a key, and learn when to revoke the old one
  keyfit watch URL                see which key each replica uses, until the old one is safe to revoke
  keyfit fingerprint -            the name of a key in logs, errors and health pages

Every flag has an environment variable: --no-rate-limit is KEYFIT_NO_RATE_LIMIT.
Precedence: flag, environment, --config, default. Exit codes: 1 failed, 2 usage error.
run returns its command's exit code, and check has one for each outcome.`,
		SilenceErrors: true, SilenceUsage: true,
	}
	group(root)
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	root.SetFlagErrorFunc(flagError)
	root.PersistentFlags().BoolVar(&a.JSON, "json", false, "write JSON for machines instead of text for people")
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := a.fromEnvironment(cmd.Flags()); err != nil {
			return err
		}
		return a.findProviders(cmd)
	}
	root.AddCommand(a.mockCommand(), a.runCommand(), a.keysCommand(), a.clockCommand(), a.faultCommand(),
		a.requestsCommand(), a.explainCommand(), a.namespaceCommand(), a.snapshotCommand(), a.scenarioCommand(), a.oauthCommand(), a.dataCommand(), a.stateCommand(), a.openAPICommand(), a.clientCommand(), a.mcpCommand(), a.versionCommand(),
		a.checkCommand(), a.fingerprintCommand(), a.callCommand(), a.rotateCommand(), a.watchCommand(), a.driftCommand())
	root.SetHelpCommand(helpCommand())
	root.InitDefaultCompletionCmd() // takes the output as it is now
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			group(c)
		}
	}
	return root
}

// group makes a command that only has subcommands: alone it prints its help, and with an
// unknown subcommand it returns a usage error.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return unknownCommand(cmd, args[0])
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.SuggestionsMinimumDistance = 2
	return cmd
}

// unknownCommand names the subcommand that was probably meant.
func unknownCommand(cmd *cobra.Command, typed string) error {
	wrong := &cli.ValueError{Value: typed, Want: "a command of " + cmd.CommandPath()}
	wrong.Allowed = commandNames(cmd)
	wrong.Nearest = cli.Nearest(typed, wrong.Allowed)
	if like := cmd.SuggestionsFor(typed); wrong.Nearest == "" && typed != "" && len(like) > 0 {
		wrong.Nearest = like[0]
	}
	if wrong.Nearest == "" {
		wrong.Want += ", which are " + cli.List(wrong.Allowed)
	}
	return cli.UsageError{Err: wrong}
}

// exactly takes all of the named arguments. Its usage error names the missing one.
func exactly(names ...string) cobra.PositionalArgs { return between(len(names), names...) }

// between takes the named arguments, of which the first low are required.
func between(low int, names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < low:
			return missing(names[len(args)])
		case len(args) > len(names):
			return cli.Usagef("unexpected argument %q", args[len(names)])
		}
		if i := slices.IndexFunc(args, func(arg string) bool { return strings.TrimSpace(arg) == "" }); i >= 0 {
			return cli.Usagef("%s is empty; is a variable of the shell not set?", names[i])
		}
		return nil
	}
}

// missing returns the error for an argument that was not given.
func missing(name string) error {
	if name == "PROVIDER" {
		return cli.Usagef("PROVIDER is missing: one of %s", cli.List(providerNames()))
	}
	return cli.Usagef("%s is missing", name)
}

// variable returns the environment variable of a flag.
func variable(flag string) string {
	return "KEYFIT_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fromEnvironment sets each flag that was not given from its environment variable.
func (a *app) fromEnvironment(flags *pflag.FlagSet) error {
	var wrong error
	flags.VisitAll(func(f *pflag.Flag) {
		value, ok := a.Env(variable(f.Name))
		if !ok || value == "" || f.Changed || wrong != nil || f.Name == "help" {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			wrong = cli.At(variable(f.Name), err)
			if value, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
				wrong = valueError(variable(f.Name), value)
			}
		}
	})
	return wrong
}
