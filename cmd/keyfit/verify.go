package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/flagvalue"
	"github.com/keyfit/keyfit/mockserver"
)

// countFlag adds a flag for a number of requests.
func countFlag(f *pflag.FlagSet, to *int, name, usage string) {
	flagvalue.Int(f, to, name, 0, math.MaxInt32, usage)
}

// verified is what the admin API says about a verification.
type verified struct {
	OK     bool                  `json:"ok"`
	Counts mockserver.Counts     `json:"counts"`
	Why    string                `json:"why,omitempty"`
	Last   []mockserver.Exchange `json:"last,omitempty"`
}

func (a *app) requestsVerify() *cobra.Command {
	var m requestMatch
	var n times
	var order []string
	cmd := &cobra.Command{
		Use: "verify", Short: "Fail unless a number of requests match, or requests came in an order", Args: exactly(),
		Long: `verify asks the mock whether as many requests match as are expected, and prints the
last requests if not. Without a number, no request may match.

--in-order takes a METHOD and a PATH, and is repeated: each request must come after the
one before it. Others may come between them.`,
		Example: "  keyfit requests verify --provider imkit --method POST --path '/rooms/*' --expect 2\n" +
			"  keyfit requests verify --path /admin/clients --query limit=50 --between 1:3\n" +
			"  keyfit requests verify --in-order 'POST /admin/clients' --in-order 'POST /rooms'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			in, err := n.bounds(cmd.Flags().Changed)
			if err != nil {
				return err
			}
			in["match"] = m
			if len(order) > 0 {
				if len(in) > 1 {
					return cli.Usagef("--in-order excludes --expect, --at-least, --at-most and --between")
				}
				if in["inOrder"], err = inOrder(&m, order); err != nil {
					return err
				}
				delete(in, "match")
			}
			var out verified
			if err := a.do(cmd.Context(), http.MethodPost, a.ns("requests", "verify"), in, &out); err != nil {
				return err
			}
			return a.reportVerified(&out)
		},
	}
	a.requestFlags(cmd, &m)
	n.add(cmd.Flags())
	cmd.Flags().StringArrayVar(&order, "in-order", nil, "a request, as `'METHOD PATH'`, that comes after the one before; may be repeated")
	return cmd
}

// inOrder are the matches of --in-order, each with what the other flags say.
func inOrder(common *requestMatch, texts []string) ([]requestMatch, error) {
	out := make([]requestMatch, 0, len(texts))
	for _, text := range texts {
		m := *common
		method, path, ok := strings.Cut(strings.TrimSpace(text), " ")
		if !ok && strings.HasPrefix(text, "/") {
			method, path = "", text
		}
		var err error
		if method != "" {
			m.Method, err = readMethod(method)
		}
		if err == nil {
			m.Path, err = readPath(strings.TrimSpace(path))
		}
		if err != nil {
			return nil, cli.At("--in-order", &cli.ValueError{Value: text, Want: "a method and a path, such as 'POST /rooms'"})
		}
		out = append(out, m)
	}
	return out, nil
}

// reportVerified prints the counts; if the requests are not as expected, the last of them too.
func (a *app) reportVerified(v *verified) error {
	if err := a.Print(v, func(w io.Writer) {
		writeCounts(w, &v.Counts)
		if len(v.Last) > 0 {
			_, _ = fmt.Fprintln(w)
			writeRequests(w, v.Last)
		}
	}); err != nil || v.OK {
		return err
	}
	if v.Why != "" {
		return errors.New(v.Why)
	}
	return fmt.Errorf("%d requests match, which is not as many as expected", v.Counts.Total)
}

func (a *app) requestsExport() *cobra.Command {
	var m requestMatch
	format, id := "har", 0
	cmd := &cobra.Command{
		Use: "export [FILE]", Short: "Write requests and responses as a HAR file, curl commands or a Go test", Args: between(0, "FILE"),
		Long: `export writes what the journal has: a HAR 1.2 file for a browser's developer tools, one
curl command for each request, or a _test.go file that sends them to a mock of its own.
None has a key in it: curl takes it from a variable such as IMKIT_API_KEY, the Go test
issues one.`,
		Example: "  keyfit requests export requests.har\n  keyfit requests export --format curl --id 12\n" +
			"  keyfit requests export --format go --provider imkit replay_test.go",
		RunE: func(cmd *cobra.Command, args []string) error {
			q := m.query()
			q.Set("format", format)
			if id > 0 {
				q.Set("id", strconv.Itoa(id))
			}
			var data json.RawMessage
			if err := a.do(cmd.Context(), http.MethodGet, a.ns("requests", "export")+"?"+q.Encode(), nil, &data); err != nil {
				return err
			}
			if !isExport(format, data) {
				return errors.New("the answer is not such an export, so this is not the admin API of a mock, or of one that exports")
			}
			return a.writeTo(args, data)
		},
	}
	a.requestFlags(cmd, &m)
	flagvalue.Choice(cmd.Flags(), &format, "format", []string{"har", "curl", "go"}, "`har`, curl or go")
	flagvalue.Int(cmd.Flags(), &id, "id", 1, math.MaxInt, "only the request of this `ID`")
	return cmd
}

// isExport reports whether a text begins as an export of the format does.
func isExport(format string, data []byte) bool {
	switch text := string(bytes.TrimSpace(data)); format {
	case "har":
		return json.Valid(data)
	case "curl":
		return text == "" || strings.HasPrefix(text, "curl") || strings.HasPrefix(text, "#")
	default:
		return strings.HasPrefix(text, "package ") || strings.HasPrefix(text, "//")
	}
}

// writeTo writes a text to the file that the first argument names, or to the standard output.
func (a *app) writeTo(args []string, data []byte) error {
	if len(args) == 0 || args[0] == "-" {
		if _, err := a.Out.Write(data); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		return nil
	}
	if err := os.WriteFile(args[0], data, 0o600); err != nil {
		return fmt.Errorf("%s: %w", args[0], rootCause(err))
	}
	return nil
}
