package main

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/admin"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/flagvalue"
	"github.com/keyfit/keyfit/mockserver"
)

func providerNames() []string { return names(mockserver.Providers()) }

// provider reads a provider's name as a person typed it. The running mock is asked about a
// name that is none of the five: it may play an API of one's own.
func (a *app) provider(ctx context.Context, name string) (mockserver.Provider, error) {
	found, err := a.findProvider(ctx, name)
	return found, misnamed("PROVIDER", err)
}

// misnamed tells where a name stood that is no provider's. Another error stays as it is.
func misnamed(place string, err error) error {
	if _, ok := errors.AsType[*cli.ValueError](err); ok {
		return cli.At(place, err)
	}
	return err
}

// listedOrder lists the providers of a table: the five, and then the others by name.
func listedOrder[T any](of map[mockserver.Provider]T) []mockserver.Provider {
	all := mockserver.Providers()
	for _, p := range slices.Sorted(maps.Keys(of)) {
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all
}

func (a *app) findProvider(ctx context.Context, name string) (mockserver.Provider, error) {
	found, err := flagvalue.Find(name, providerNames())
	if err == nil || a.admin.url == "" || !ownName(strings.ToLower(strings.TrimSpace(name))) {
		return mockserver.Provider(found), err
	}
	played, asking := a.played(ctx)
	if asking != nil {
		if cli.Nearest(name, providerNames()) != "" {
			return "", err // a slip of the finger, whatever is wrong with the mock
		}
		return "", asking
	}
	found, err = flagvalue.Find(name, names(played))
	return mockserver.Provider(found), err
}

// played asks the running mock which providers it plays.
func (a *app) played(ctx context.Context) ([]mockserver.Provider, error) {
	var out admin.Page[struct {
		Provider mockserver.Provider `json:"provider"`
	}]
	if err := a.do(ctx, http.MethodGet, a.ns("providers"), nil, &out); err != nil {
		return nil, err
	}
	all := make([]mockserver.Provider, 0, len(out.Items))
	for _, p := range out.Items {
		all = append(all, p.Provider)
	}
	return all, nil
}

// offered is played, or the five providers if no mock answers.
func (a *app) offered(ctx context.Context) []mockserver.Provider {
	if a.admin.url != "" {
		ctx, cancel := context.WithTimeout(ctx, completionTime)
		defer cancel()
		if all, err := a.played(ctx); err == nil {
			return all
		}
	}
	return mockserver.Providers()
}

// ownName reports whether a name can be that of an API of one's own, which the mock knows
// and this program does not.
func ownName(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// providerValue is the flag --provider of a command that talks to a running mock.
type providerValue struct {
	to    *mockserver.Provider
	text  string
	later bool // the command itself finds what it names
}

func (v *providerValue) String() string { return v.text }
func (v *providerValue) Type() string   { return "string" }

// Names are those that every mock knows.
func (v *providerValue) Names() []string { return providerNames() }

// Set takes one of the five, and what the running mock is to be asked about: where that is,
// another flag may say.
func (v *providerValue) Set(text string) error {
	found, err := flagvalue.Find(text, providerNames())
	if err != nil && !ownName(strings.ToLower(strings.TrimSpace(text))) {
		return err
	}
	*v.to, v.text = mockserver.Provider(found), text
	return nil
}

// providerFlag adds --provider.
func (a *app) providerFlag(cmd *cobra.Command, to *mockserver.Provider, usage string) {
	a.addProvider(cmd, &providerValue{to: to}, usage)
}

func (a *app) addProvider(cmd *cobra.Command, v *providerValue, usage string) {
	cmd.Flags().Var(v, "provider", usage)
	_ = cmd.RegisterFlagCompletionFunc("provider", func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) { // fails on a wrong name only
		return a.providerArgs(cmd, nil, "")
	})
}

// findProviders finds what the flags that are a provider name, when all flags are known.
func (a *app) findProviders(cmd *cobra.Command) error {
	var wrong error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		v, ok := f.Value.(*providerValue)
		if !ok || wrong != nil || v.later || *v.to != "" {
			return
		}
		var err error
		if *v.to, err = a.findProvider(cmd.Context(), v.text); err != nil {
			wrong = misnamed("--"+f.Name, err)
		}
	})
	return wrong
}

// providerArgs completes a provider's name.
func (a *app) providerArgs(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	all := mockserver.Providers()
	if a.fromEnvironment(cmd.Flags()) == nil { // the command itself does not run
		all = a.offered(cmd.Context())
	}
	return names(all), cobra.ShellCompDirectiveNoFileComp
}
