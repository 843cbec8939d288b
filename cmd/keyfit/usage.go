package main

import (
	"errors"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/flagvalue"
)

// flagError returns the usage error for what is wrong with a flag, in the program's own words.
func flagError(cmd *cobra.Command, err error) error {
	if wrong, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return valueError("--"+wrong.GetFlag().Name, wrong)
	}
	if missing, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		if names := flagvalue.Names(missing.GetFlag()); names != nil {
			return cli.Usagef("--%s needs a value: one of %s", missing.GetFlag().Name, cli.List(names))
		}
		return cli.Usagef("--%s needs a value", missing.GetFlag().Name)
	}
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		return unknownFlag(cmd, unknown)
	}
	if bad, ok := errors.AsType[*pflag.InvalidSyntaxError](err); ok {
		return cli.UsageError{Err: &cli.ValueError{Value: bad.GetSpecifiedFlag(), Want: "a flag"}}
	}
	return cli.UsageError{Err: err}
}

// valueError returns the usage error for a value that a flag, a variable or a setting of the
// configuration cannot have. place names it.
func valueError(place string, wrong *pflag.InvalidValueError) error {
	if _, ok := errors.AsType[*cli.ValueError](wrong.Unwrap()); ok {
		return cli.At(place, wrong.Unwrap())
	}
	return cli.At(place, &cli.ValueError{Value: wrong.GetValue(), Want: wantedType(wrong.GetFlag())})
}

// wantedType says what a flag of pflag's own types takes.
func wantedType(f *pflag.Flag) string {
	switch kind := f.Value.Type(); kind {
	case "bool":
		return "true or false"
	case "uint64":
		return "a whole number from 0 to 18446744073709551615"
	case "stringSlice":
		return "a list with commas; a value with a quote or a comma in it stands in double quotes"
	default:
		return "a value of the kind " + kind
	}
}

// unknownFlag names the flag that was probably meant.
func unknownFlag(cmd *cobra.Command, unknown *pflag.NotExistError) error {
	if letters := unknown.GetSpecifiedShortnames(); letters != "" {
		typed := "-" + letters
		if strings.Trim(letters[:1], "0123456789.") == "" {
			return cli.UsageError{Err: &cli.ValueError{Value: typed, Want: "a flag, and no value here is negative"}}
		}
		if name := cli.Nearest(letters, flagNames(cmd)); len(letters) > 2 && name != "" {
			return cli.UsageError{Err: &cli.ValueError{Value: typed, Want: "a flag of " + cmd.CommandPath(), Nearest: "--" + name}}
		}
		return cli.UsageError{Err: &cli.ValueError{Value: typed, Want: "a flag of " + cmd.CommandPath()}}
	}
	wrong := &cli.ValueError{Value: "--" + unknown.GetSpecifiedName(), Want: "a flag of " + cmd.CommandPath()}
	if name := cli.Nearest(unknown.GetSpecifiedName(), flagNames(cmd)); name != "" {
		wrong.Nearest = "--" + name
	}
	return cli.UsageError{Err: wrong}
}

// flagNames are the flags that a command takes.
func flagNames(cmd *cobra.Command) (names []string) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	return names
}

// wantsJSON reports whether a command line asks for JSON, also if it cannot be understood
// otherwise: what stands after -- belongs to another command.
func wantsJSON(args []string, env func(string) (string, bool)) bool {
	value, set := env(variable("json"))
	wanted := set && value != "" && !isFalse(value)
	for _, arg := range args {
		if arg == "--" {
			break
		}
		if given, ok := strings.CutPrefix(arg, "--json"); ok && (given == "" || given[0] == '=') {
			wanted = given == "" || !isFalse(given[1:])
		}
	}
	return wanted
}

// isFalse reports whether a flag would read the text as false.
func isFalse(text string) bool {
	value, err := strconv.ParseBool(text)
	return err == nil && !value
}

// helpCommand is cobra's, with an error for a command that does not exist.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Help about any command",
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			about, _, err := cmd.Root().Find(args)
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return commandNames(about), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err == nil && len(rest) > 0 && about.HasSubCommands() {
				err = unknownCommand(about, rest[0])
			}
			if err != nil {
				return err
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}

// commandNames are the commands below another one.
func commandNames(cmd *cobra.Command) (names []string) {
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return names
}
