package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/keyfit/keyfit/mockserver"
)

// terminal is everything a command reads and writes besides its arguments, so
// that a test can be one.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	env      func(string) (string, bool)
}

// app is one invocation.
type app struct {
	terminal
	json      bool
	admin     adminFlags
	namespace string
}

// The exit codes. `keyfit run` passes on that of its command.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// usageError is a command line that cannot be understood.
type usageError struct{ error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// exitError ends the program with a code and without a word.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// run is main with everything given to it. It returns the exit code.
func run(ctx context.Context, args []string, t terminal) int {
	a := &app{terminal: t}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(t.in)
	root.SetOut(t.out)
	root.SetErr(t.err)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if code, ok := errors.AsType[exitError](err); ok {
		return int(code)
	}
	text := strings.TrimPrefix(err.Error(), "mockserver: ")
	if _, ok := errors.AsType[usageError](err); ok {
		_, _ = fmt.Fprintf(t.err, "keyfit: %s; see `%s --help`\n", text, cmd.CommandPath())
		return exitUsage
	}
	_, _ = fmt.Fprintf(t.err, "keyfit: %s\n", text)
	return exitFailure
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "keyfit",
		Short: "A mock of five key-protected APIs, and what goes with it",
		Long: `keyfit plays imin, MindKey, IMKIT, Optimove and iiniit as they behave when a
key is missing, wrong, expired, revoked, rotated or used too often.

  keyfit run -- npm test     run a command against a mock of its own
  keyfit mock                run a mock until Ctrl-C
  keyfit keys issue imkit    talk to one that runs (KEYFIT_ADMIN_URL, KEYFIT_ADMIN_TOKEN)
  keyfit check               try your own keys at the real APIs
  keyfit call mindkey GET /ping
  keyfit rotate imkit        replace your own key, and learn when the old one may go

Every flag has an environment variable: --no-rate-limit is KEYFIT_NO_RATE_LIMIT.
A flag wins over the environment, the environment over --config, that over the
default. Exit codes: 1 failed, 2 not understood; run passes on its command's.`,
		SilenceErrors: true, SilenceUsage: true,
	}
	group(root)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.PersistentFlags().BoolVar(&a.json, "json", false, "write JSON for machines instead of text for people")
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return a.fromEnvironment(cmd.Flags()) }
	root.AddCommand(a.mockCommand(), a.runCommand(), a.keysCommand(), a.clockCommand(), a.faultCommand(),
		a.requestsCommand(), a.explainCommand(), a.namespaceCommand(), a.oauthCommand(), a.dataCommand(), a.stateCommand(), a.openAPICommand(), a.versionCommand(),
		a.checkCommand(), a.callCommand(), a.rotateCommand())
	return root
}

// group makes a command that only holds others: alone it helps, with a word
// that is none of them it is a usage error.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		if like := cmd.SuggestionsFor(args[0]); len(like) > 0 {
			return usage("%s has no command %q; is it %q", cmd.CommandPath(), args[0], like[0])
		}
		return usage("%s has no command %q", cmd.CommandPath(), args[0])
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.SuggestionsMinimumDistance = 2
	return cmd
}

// exactly is cobra.ExactArgs as a usage error, naming what is wanted.
func exactly(names ...string) cobra.PositionalArgs { return between(len(names), names...) }

// between takes at least low of the named arguments.
func between(low int, names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < low:
			return usage("%s is missing", names[len(args)])
		case len(args) > len(names):
			return usage("%q is one argument too many", args[len(names)])
		}
		return nil
	}
}

// variable is a flag's twin in the environment.
func variable(flag string) string {
	return "KEYFIT_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fromEnvironment sets the flags that were not given by their variables.
func (a *app) fromEnvironment(flags *pflag.FlagSet) error {
	var wrong error
	flags.VisitAll(func(f *pflag.Flag) {
		value, ok := a.env(variable(f.Name))
		if !ok || value == "" || f.Changed || wrong != nil || f.Name == "help" {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			wrong = usage("%s: %w", variable(f.Name), errors.Unwrap(err))
		}
	})
	return wrong
}

// print writes v as JSON, or whatever people writes.
func (a *app) print(v any, people func(w io.Writer)) error {
	if !a.json {
		people(a.out)
		return nil
	}
	e := json.NewEncoder(a.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// providerArgs completes a provider's name.
func providerArgs(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return providerNames(), cobra.ShellCompDirectiveNoFileComp
}

func providerNames() []string {
	names := make([]string, 0, len(mockserver.Providers()))
	for _, p := range mockserver.Providers() {
		names = append(names, string(p))
	}
	return names
}

// parseProvider reads a provider's name as a person typed it.
func parseProvider(name string) (mockserver.Provider, error) {
	p, err := mockserver.ParseProvider(strings.ToLower(name))
	if err != nil {
		return "", usage("unknown provider %q; one of %s", name, strings.Join(providerNames(), ", "))
	}
	return p, nil
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "unknown"
	}
	return info.Main.Version
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: exactly(),
		RunE: func(*cobra.Command, []string) error {
			v := struct {
				Version string `json:"version"`
				Go      string `json:"go"`
				System  string `json:"system"`
			}{version(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
			return a.print(v, func(w io.Writer) { _, _ = fmt.Fprintf(w, "keyfit %s (%s, %s)\n", v.Version, v.Go, v.System) })
		},
	}
}

func (a *app) openAPICommand() *cobra.Command {
	return &cobra.Command{
		Use: "openapi PROVIDER|admin", Short: "Print the OpenAPI document of a provider, or of the admin API",
		Args: exactly("PROVIDER"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return append(providerNames(), "admin"), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			doc := mockserver.AdminOpenAPI()
			if args[0] != "admin" {
				p, err := parseProvider(args[0])
				if err != nil {
					return err
				}
				if doc = mockserver.OpenAPI(p); doc == nil {
					return fmt.Errorf("there is no OpenAPI document for %s yet", p)
				}
			}
			_, err := fmt.Fprintln(a.out, strings.TrimSpace(string(doc)))
			return err
		},
	}
}
