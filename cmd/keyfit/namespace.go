package main

import (
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/admin"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/spf13/cobra"
)

// space is a namespace as the admin API returns it.
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
			cli.Time(s.Clock.Now), s.Clock.Mode,
		})
	}
	cli.Table(w, "namespace\tkeys\trequests\tfaults\tclock\tmode", rows)
}

func (a *app) namespaceCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use: "namespace", Short: "List, create and delete namespaces",
		Long: `A namespace has its own clock, keys, limits, faults and requests. The key of a
request selects it. A request without a known key belongs to the namespace of the
listener (--listen) or host (<namespace>.<provider>.localhost) that it was sent to,
or else to the default one.`,
	})
	var listen bool
	create := &cobra.Command{
		Use: "create NAME", Short: "Create a namespace", Args: exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var s space
			if err := a.do(cmd.Context(), http.MethodPost, "/v1/namespaces", map[string]any{"name": args[0], "listen": listen}, &s); err != nil {
				return err
			}
			return a.Print(s, func(w io.Writer) {
				writeSpaces(w, []space{s})
				for _, p := range listedOrder(s.URLs) {
					if url := s.URLs[p]; url != "" {
						_, _ = fmt.Fprintf(w, "%-9s %s\n", cli.Line(string(p)), cli.Line(url))
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
				var out admin.Page[space]
				if err := a.do(cmd.Context(), http.MethodGet, "/v1/namespaces", nil, &out); err != nil {
					return err
				}
				return a.Print(out.Items, func(w io.Writer) { writeSpaces(w, out.Items) })
			},
		},
		&cobra.Command{
			Use: "delete NAME", Short: "Delete a namespace and its keys", Args: exactly("NAME"), ValidArgsFunction: a.deletableArgs,
			RunE: func(cmd *cobra.Command, args []string) error {
				a.namespace = args[0]
				return a.do(cmd.Context(), http.MethodDelete, a.ns(), nil, nil)
			},
		})
	return a.withAdmin(cmd)
}
