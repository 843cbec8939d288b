package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/admin"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/flagvalue"
	"github.com/keyfit/keyfit/mockserver"
)

// maxCompletions is how many things of a mock are offered at TAB.
const maxCompletions = 200

// completionTime is how long a mock may take to answer while a person waits for TAB.
const completionTime = 2 * time.Second

// completeFlags makes every flag offer the names that it takes. A flag or an argument that is a
// file offers files, and others offer nothing.
func completeFlags(cmd *cobra.Command) {
	offer := func(f *pflag.Flag) {
		kind, _ := pflag.UnquoteUsage(f)
		if kind == "file" || f.Name == "dotenv" {
			return // the shell's own
		}
		offered := cobra.FixedCompletions(flagvalue.Names(f), cobra.ShellCompDirectiveNoFileComp)
		_ = cmd.RegisterFlagCompletionFunc(f.Name, offered) // one that the command has registered itself stays
	}
	cmd.Flags().VisitAll(offer) // LocalFlags would merge the flags of all parents, at half the cost of a start
	cmd.PersistentFlags().VisitAll(offer)
	words := cmd.ValidArgsFunction != nil || cmd.ValidArgs != nil || strings.Contains(cmd.Use, "FILE") || strings.Contains(cmd.Use, "ARGS")
	if cmd.Runnable() && !cmd.HasSubCommands() && !words {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	for _, c := range cmd.Commands() {
		completeFlags(c)
	}
}

// things reads what a namespace of the running mock has: at most limit of what it may have
// many of.
func things[T any](ctx context.Context, a *app, limit int, parts ...string) ([]T, error) {
	ctx, cancel := context.WithTimeout(ctx, completionTime)
	defer cancel()
	if len(parts) == 1 && (parts[0] == "keys" || parts[0] == "requests") {
		return list[T](ctx, a, a.ns(parts...), url.Values{}, limit)
	}
	var out admin.Page[T]
	err := a.do(ctx, http.MethodGet, a.ns(parts...), nil, &out)
	return out.Items, err
}

// completions offers things of the running mock. Without a mock there are none.
func completions[T any](cmd *cobra.Command, a *app, name func(T) string, parts ...string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if a.fromEnvironment(cmd.Flags()) != nil { // the command itself does not run
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	items, err := things[T](cmd.Context(), a, maxCompletions, parts...)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	out := make([]cobra.Completion, 0, len(items))
	for _, i := range items {
		out = append(out, name(i))
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// described is a name, and after a tab what a shell shows beside it.
func described(name string, parts ...string) cobra.Completion {
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	return cobra.CompletionWithDesc(cli.Line(name), cli.Line(strings.Join(parts, ", ")))
}

// keyArgs completes a key's ID.
func (a *app) keyArgs(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return completions(cmd, a, func(k mockserver.Key) cobra.Completion {
		return described(k.ID, string(k.Provider), string(k.Kind), k.Name, string(k.Status))
	}, "keys")
}

// requestArgs completes the ID of a request.
func (a *app) requestArgs(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return completions(cmd, a, func(x mockserver.Exchange) cobra.Completion {
		return described(strconv.FormatUint(x.ID, 10), string(x.Provider), x.Method+" "+x.Path, strconv.Itoa(x.Status), string(x.Outcome))
	}, "requests")
}

// faultArgs completes the IDs of faults.
func (a *app) faultArgs(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return completions(cmd, a, func(i injected) cobra.Completion { return described(i.ID, i.What) }, "faults")
}

// clientArgs completes the ID of an OAuth client.
func (a *app) clientArgs(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return completions(cmd, a, func(c mockserver.OAuthClient) cobra.Completion { return described(c.ID, c.Name) }, "oauth", "clients")
}

// namespaceArgs completes the name of a namespace.
func (a *app) namespaceArgs(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 || a.fromEnvironment(cmd.Flags()) != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
	defer cancel()
	var out admin.Page[space]
	if a.do(ctx, http.MethodGet, "/v1/namespaces", nil, &out) != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	all := make([]cobra.Completion, 0, len(out.Items))
	for _, s := range out.Items {
		all = append(all, cli.Line(s.Name))
	}
	return all, cobra.ShellCompDirectiveNoFileComp
}

// deletableArgs completes the name of a namespace that can be deleted.
func (a *app) deletableArgs(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	all, directive := a.namespaceArgs(cmd, args, typed)
	return slices.DeleteFunc(all, func(name cobra.Completion) bool { return name == mockserver.DefaultNamespace }), directive
}

// scopeFlag completes --scope with the scopes that a provider documents: a key that is issued
// without the flag has them all.
func scopeFlag(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	const none = cobra.ShellCompDirectiveNoFileComp
	if len(args) == 0 {
		return nil, none
	}
	p, err := mockserver.ParseProvider(strings.ToLower(args[0]))
	if err != nil {
		return nil, none
	}
	srv, err := mockserver.NewHandler()
	if err != nil {
		return nil, none
	}
	defer func() { _ = srv.Close() }() // it has stored nothing
	var opts []mockserver.KeyOption
	if p == mockserver.Iiniit {
		opts = append(opts, mockserver.Bearer())
	}
	k, err := srv.Keys().TryIssue(p, opts...)
	if err != nil {
		return nil, none
	}
	return k.Scopes, none | cobra.ShellCompDirectiveNoSpace // more may follow a comma
}

// nearestOf adds to the error for something that does not exist what was probably meant.
func nearestOf[T any](ctx context.Context, a *app, err error, typed string, name func(T) string, parts ...string) error {
	refusal, ok := errors.AsType[*admin.RefusalError](err)
	if !ok || refusal.Status != http.StatusNotFound {
		return err
	}
	items, listErr := things[T](ctx, a, 1000, parts...)
	if listErr != nil {
		return err
	}
	names := make([]string, 0, len(items))
	for _, i := range items {
		names = append(names, name(i))
	}
	if near := cli.Nearest(typed, names); near != "" {
		return fmt.Errorf("%w; did you mean %q?", err, near)
	}
	return err
}
