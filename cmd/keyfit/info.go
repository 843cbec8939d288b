package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/admin"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/flagvalue"
	"github.com/keyfit/keyfit/mockserver"
)

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
			return a.Print(v, func(w io.Writer) { _, _ = fmt.Fprintf(w, "keyfit %s (%s, %s)\n", v.Version, v.Go, v.System) })
		},
	}
}

func (a *app) openAPICommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "openapi PROVIDER|admin", Short: "Print the OpenAPI document of a provider, or of the admin API",
		Long: `openapi prints the OpenAPI document of one of the five providers or of the admin API. The
document of an API of one's own comes from the running mock that plays it.`,
		Args: exactly("PROVIDER"),
		ValidArgsFunction: func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return append(names(a.offered(cmd.Context())), "admin"), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			doc, err := a.openAPI(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.Out, strings.TrimSpace(string(doc)))
			return err
		},
	}
	return a.withAdmin(cmd)
}

// openAPI returns the document of a provider or, as "admin", of the admin API.
func (a *app) openAPI(ctx context.Context, name string) ([]byte, error) {
	if a.admin.url != "" {
		if err := admin.Check(a.admin.url, a.admin.remote); err != nil {
			return nil, cli.Usagef("the admin URL %w", err)
		}
	}
	found, err := flagvalue.Find(name, append(providerNames(), "admin"))
	switch {
	case found == "admin":
		return mockserver.AdminOpenAPI(), nil
	case err == nil:
		return mockserver.OpenAPI(mockserver.Provider(found)), nil
	}
	p, asking := a.provider(ctx, name)
	if asking != nil && cli.Nearest(name, []string{"admin"}) != "" {
		return nil, cli.At("PROVIDER", err)
	}
	if asking != nil {
		return nil, asking
	}
	var doc json.RawMessage
	if err := a.do(ctx, http.MethodGet, "/openapi/"+string(p), nil, &doc); err != nil {
		return nil, err
	}
	return doc, nil
}
