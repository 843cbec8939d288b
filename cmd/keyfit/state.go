package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/keyfit/keyfit/mockserver"
)

// space is a namespace as the admin API shows it.
type space struct {
	Name     string                         `json:"name"`
	Keys     int                            `json:"keys"`
	Requests int                            `json:"requests"`
	Faults   int                            `json:"faults"`
	Clock    clockState                     `json:"clock"`
	URLs     map[mockserver.Provider]string `json:"urls"`
}

func writeSpaces(w io.Writer, spaces []space) {
	rows := make([][]string, 0, len(spaces))
	for _, s := range spaces {
		rows = append(rows, []string{
			s.Name, strconv.Itoa(s.Keys), strconv.Itoa(s.Requests), strconv.Itoa(s.Faults),
			when(s.Clock.Now), s.Clock.Mode,
		})
	}
	table(w, "namespace\tkeys\trequests\tfaults\tclock\tmode", rows)
}

func (a *app) namespaceCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use: "namespace", Short: "List, make and delete namespaces",
		Long: `A namespace is a world of its own: clock, keys, limits, faults, requests. The key
of a request selects it; a request without a known key belongs to the default one,
or to that of the listener (--listen) or the host (<namespace>.<provider>.localhost)
that it came to.`,
	})
	var listen bool
	create := &cobra.Command{
		Use: "create NAME", Short: "Make a namespace", Args: exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var s space
			if err := a.do(cmd.Context(), http.MethodPost, "/v1/namespaces", map[string]any{"name": args[0], "listen": listen}, &s); err != nil {
				return err
			}
			return a.print(s, func(w io.Writer) {
				writeSpaces(w, []space{s})
				for _, p := range mockserver.Providers() {
					if url := s.URLs[p]; url != "" {
						_, _ = fmt.Fprintf(w, "%-9s %s\n", p, url)
					}
				}
			})
		},
	}
	create.Flags().BoolVar(&listen, "listen", false, "open a listener for each provider for requests without a key")
	cmd.AddCommand(create,
		&cobra.Command{
			Use: "list", Short: "List namespaces", Args: exactly(),
			RunE: func(cmd *cobra.Command, _ []string) error {
				var out page[space]
				if err := a.do(cmd.Context(), http.MethodGet, "/v1/namespaces", nil, &out); err != nil {
					return err
				}
				return a.print(out.Items, func(w io.Writer) { writeSpaces(w, out.Items) })
			},
		},
		&cobra.Command{
			Use: "delete NAME", Short: "Forget a namespace and its keys", Args: exactly("NAME"),
			RunE: func(cmd *cobra.Command, args []string) error {
				a.namespace = args[0]
				return a.do(cmd.Context(), http.MethodDelete, a.ns(), nil, nil)
			},
		})
	return a.withAdmin(cmd)
}

func (a *app) stateCommand() *cobra.Command {
	var every bool
	cmd := group(&cobra.Command{
		Use: "state", Short: "Export, import and reset what a mock remembers",
		Long: `The document is JSON and the same as --state keeps: keys as SHA-256 sums (never
values), clock, limits, profiles, faults and what providers store once it changed. It
fits under version control.`,
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
		Use: "import FILE", Short: "Replace the state by that of a file; - is stdin", Args: exactly("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.restore(cmd, path(), args[0]) },
	}
	for _, c := range []*cobra.Command{export, restore} {
		c.Flags().BoolVar(&every, "all", false, "every namespace, not one")
	}
	cmd.AddCommand(export, restore, &cobra.Command{
		Use: "reset", Short: "Make the namespace as new: no keys, faults, requests or changed data", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var s space
			if err := a.do(cmd.Context(), http.MethodPost, a.ns("reset"), map[string]any{}, &s); err != nil {
				return err
			}
			return a.print(s, func(w io.Writer) { writeSpaces(w, []space{s}) })
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
		_, err = a.out.Write(data)
		return err
	}
	if err := os.WriteFile(args[0], data, 0o600); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

func (a *app) restore(cmd *cobra.Command, path, file string) error {
	data, err := a.input(file)
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	if _, err := mockserver.ParseState(data); err != nil { // said here, with the file's name
		return fmt.Errorf("%s: %w", file, err)
	}
	var out struct {
		Namespaces []space `json:"namespaces"`
	}
	if err := a.do(cmd.Context(), http.MethodPut, path, json.RawMessage(data), &out); err != nil {
		return err
	}
	return a.print(out, func(w io.Writer) { writeSpaces(w, out.Namespaces) })
}
