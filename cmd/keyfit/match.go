package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/flagvalue"
	"github.com/keyfit/keyfit/mockserver"
)

// matchFlags adds flags that select requests by what is known before the answer. A value that
// could never match is refused: it would look like no requests.
func (a *app) matchFlags(cmd *cobra.Command, m *mockserver.Match) {
	f := cmd.Flags()
	a.providerFlag(cmd, &m.Provider, "only requests to this `provider`")
	flagvalue.Text(f, &m.Method, "method", "only requests with this `method`, as GET", readMethod)
	flagvalue.Text(f, &m.Path, "path", "only requests with this `path`; a trailing * matches any rest", readPath)
	f.StringVar(&m.KeyID, "key", "", "only requests with the key of this `ID`")
}

// outcomeFlags adds matchFlags, and flags for what is known after the response.
func (a *app) outcomeFlags(cmd *cobra.Command, m *mockserver.Match) {
	a.matchFlags(cmd, m)
	flagvalue.Choice(cmd.Flags(), &m.Outcome, "outcome", mockserver.Outcomes(), "only requests with this `outcome`, for example ok or rate_limited")
	statusFlag(cmd.Flags(), &m.Status, 100, "only requests answered with this `status`")
}

// statusFlag adds a flag for a status code from low on.
func statusFlag(f *pflag.FlagSet, to *int, low int, usage string) {
	flagvalue.Int(f, to, "status", low, 599, usage)
}

// readMethod reads a method as HTTP spells the known ones: in capitals.
func readMethod(text string) (string, error) {
	if text == "" || strings.Trim(strings.ToUpper(text), "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "" {
		return "", &cli.ValueError{Value: text, Want: "a method, such as GET"}
	}
	return strings.ToUpper(text), nil
}

// readPath reads the path of a request, without the query.
func readPath(text string) (string, error) {
	if !strings.HasPrefix(text, "/") && text != "*" {
		return "", &cli.ValueError{Value: text, Want: "a path such as /rooms/* that begins with /"}
	}
	if strings.ContainsAny(text, "?#") {
		return "", &cli.ValueError{Value: text, Want: "a path without a query"}
	}
	return text, nil
}
