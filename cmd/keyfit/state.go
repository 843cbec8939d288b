package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/spf13/cobra"

	"github.com/keyfit/keyfit/mockserver"
)

func (a *app) stateCommand() *cobra.Command {
	var every bool
	cmd := group(&cobra.Command{
		Use: "state", Short: "Export, import and reset the state of a mock",
		Long: `The state is JSON, the same that --state keeps: keys as SHA-256 sums (never their
values), clock, limits, profiles, faults, and stored data that has changed. It can be
kept under version control.`,
	})
	path := func() string {
		if every {
			return "/v1/state"
		}
		return a.ns("state")
	}
	export := &cobra.Command{
		Use: "export [FILE]", Short: "Write the state to a file or to stdout", Args: between(0, "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.export(cmd, path(), args) },
	}
	restore := &cobra.Command{
		Use: "import FILE", Short: "Replace the state by that in a file; - is stdin", Args: exactly("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.restore(cmd, path(), args[0]) },
	}
	for _, c := range []*cobra.Command{export, restore} {
		c.Flags().BoolVar(&every, "all", false, "all namespaces instead of one")
	}
	cmd.AddCommand(export, restore, &cobra.Command{
		Use: "reset", Short: "Reset the namespace: no keys, faults, requests or changed data", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var s space
			if err := a.do(cmd.Context(), http.MethodPost, a.ns("reset"), map[string]any{}, &s); err != nil {
				return err
			}
			return a.Print(s, func(w io.Writer) { writeSpaces(w, []space{s}) })
		},
	})
	return a.withAdmin(cmd)
}

func (a *app) export(cmd *cobra.Command, path string, args []string) error {
	var raw json.RawMessage
	if err := a.do(cmd.Context(), http.MethodGet, path, nil, &raw); err != nil {
		return err
	}
	st, err := mockserver.ParseState(raw)
	if err != nil {
		return err
	}
	data, err := st.Encode()
	if err != nil {
		return err
	}
	if len(args) == 0 || args[0] == "-" {
		_, err = a.Out.Write(data)
		return err
	}
	if err := os.WriteFile(args[0], data, 0o600); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

func (a *app) restore(cmd *cobra.Command, path, file string) error {
	data, err := a.readText(file)
	if err != nil {
		return fmt.Errorf("import: %s: %w", file, err)
	}
	if _, err := mockserver.ParseState(data); err != nil { // checked here too, so that the error names the file
		return fmt.Errorf("%s: %w", file, err)
	}
	var out struct {
		Namespaces []space `json:"namespaces"`
	}
	if err := a.put(cmd.Context(), http.MethodPut, path, json.RawMessage(data), &out); err != nil {
		return err
	}
	return a.Print(out, func(w io.Writer) { writeSpaces(w, out.Namespaces) })
}
