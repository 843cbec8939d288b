package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/admin"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
)

// adminFlags say where the mock's admin API is.
type adminFlags struct {
	url, tokenFile string
	remote         bool // plain http to another machine is allowed
}

// withAdmin adds the flags of commands that talk to a running mock.
func (a *app) withAdmin(cmd *cobra.Command) *cobra.Command {
	f := cmd.PersistentFlags()
	f.StringVar(&a.admin.url, "admin-url", "", "the mock's admin `URL`, as printed at its start")
	f.StringVar(&a.admin.tokenFile, "admin-token-file", "", "read the admin token from this `file`; or set KEYFIT_ADMIN_TOKEN")
	f.BoolVar(&a.admin.remote, "insecure-admin-url", false, "allow plain http to an admin URL of another machine; the token can be read on the way")
	f.StringVarP(&a.namespace, "namespace", "n", "default", "the `namespace` of the mock")
	_ = cmd.RegisterFlagCompletionFunc("namespace", func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) { // fails on a wrong name only
		return a.namespaceArgs(cmd, nil, "")
	})
	return cmd
}

// client returns a client of the running mock that flags and environment name.
func (a *app) client() (*admin.Client, error) {
	if a.admin.url == "" {
		return nil, errors.New("which mock? set KEYFIT_ADMIN_URL and KEYFIT_ADMIN_TOKEN as `keyfit mock` printed them, or give --admin-url and --admin-token-file")
	}
	if err := admin.Check(a.admin.url, a.admin.remote); err != nil {
		return nil, cli.Usagef("the admin URL %w", err)
	}
	token, _ := a.Env("KEYFIT_ADMIN_TOKEN")
	if a.admin.tokenFile != "" {
		data, err := os.ReadFile(a.admin.tokenFile)
		if err != nil {
			return nil, fmt.Errorf("admin token file: %w", err)
		}
		token = strings.TrimSpace(string(data))
	}
	if token == "" {
		return nil, errors.New("the admin token is missing: set KEYFIT_ADMIN_TOKEN, or give --admin-token-file")
	}
	return admin.NewClient(a.admin.url, token, a.admin.remote)
}

// ns is a path below the namespace that the flags name.
func (a *app) ns(parts ...string) string { return admin.Path(a.namespace, parts...) }

// do calls the running mock and decodes the response into out, unless out is nil. What the
// mock does not understand came from the command line and is a usage error.
func (a *app) do(ctx context.Context, method, path string, in, out any) error {
	err := a.put(ctx, method, path, in, out)
	if refusal, ok := errors.AsType[*admin.RefusalError](err); ok && refusal.NotUnderstood() {
		return cli.UsageError{Err: err}
	}
	return err
}

// put is do for what comes from a file: if it is not understood, the command line is none the
// less right.
func (a *app) put(ctx context.Context, method, path string, in, out any) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	return c.Call(ctx, method, path, in, out)
}

// list reads a list of the running mock, at most limit items of it; 0 is no limit.
func list[T any](ctx context.Context, a *app, path string, query url.Values, limit int) ([]T, error) {
	c, err := a.client()
	if err != nil {
		return nil, err
	}
	return admin.List[T](ctx, c, path, query, limit)
}
