package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

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
	return &cobra.Command{
		Use: "openapi PROVIDER|admin", Short: "Print the OpenAPI document of a provider, or of the admin API",
		Args: exactly("PROVIDER"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return append(providerNames(), "admin"), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			name, err := flagvalue.Find(args[0], append(providerNames(), "admin"))
			if err != nil {
				return cli.At("PROVIDER", err)
			}
			doc := mockserver.AdminOpenAPI()
			if name != "admin" {
				if doc = mockserver.OpenAPI(mockserver.Provider(name)); doc == nil {
					return fmt.Errorf("there is no OpenAPI document for %s yet", name)
				}
			}
			_, err = fmt.Fprintln(a.Out, strings.TrimSpace(string(doc)))
			return err
		},
	}
}
