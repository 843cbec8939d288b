package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/flagvalue"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/mockclient"
)

func (a *app) clientCommand() *cobra.Command {
	return &cobra.Command{
		Use: "client node|python", Short: "Print a client of the mock for tests in another language",
		Long: `client prints a file that controls a running mock: namespaces, keys, clock, faults,
requests and their verification, with a fixture that gives each test a namespace of
its own (node:test, Jest, Vitest; pytest). It needs nothing but the language itself.
It finds the mock by KEYFIT_ADMIN_URL and KEYFIT_ADMIN_TOKEN, which keyfit run sets.`,
		Example: "  keyfit client node > test/keyfit-mock.cjs && keyfit run -- node --test\n  keyfit client python > tests/keyfit_mock.py && keyfit run -- pytest",
		Args:    exactly("LANGUAGE"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return clientLanguages(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			language, err := flagvalue.Find(args[0], clientLanguages())
			if err != nil {
				return cli.At("LANGUAGE", err)
			}
			for _, file := range mockclient.Files() {
				if file.Language == language {
					_, err = fmt.Fprint(a.Out, file.Text)
				}
			}
			return err //nolint:wrapcheck // the program's own words say what could not be written
		},
	}
}

func clientLanguages() []string {
	files := mockclient.Files()
	names := make([]string, 0, len(files))
	for _, file := range files {
		names = append(names, file.Language)
	}
	return names
}
