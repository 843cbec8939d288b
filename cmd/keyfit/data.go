package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/admin"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/mockserver"
)

// collectionItems is a collection as the admin API returns and takes it.
type collectionItems struct {
	Items []json.RawMessage `json:"items"`
}

func (a *app) dataCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use: "data", Short: "List, get and put what a provider's mock stores",
		Long: `A mock stores collections: IMKIT's users, rooms and messages, imin's places and
event series, MindKey's entities, Optimove's customers. What is computed from the
seed and the clock (sessions, slots, campaigns) is not among them. iiniit stores
none: its OAuth clients and tokens are keys.`,
	})
	cmd.AddCommand(a.dataList(), a.dataGet(), a.dataPut())
	return a.withAdmin(cmd)
}

// storedRow is a row of the list.
type storedRow struct {
	Provider mockserver.Provider `json:"provider"`
	mockserver.Collection
}

func (a *app) dataList() *cobra.Command {
	return &cobra.Command{
		Use: "list [PROVIDER]", Short: "List collections with counts", Args: between(0, "PROVIDER"), ValidArgsFunction: a.providerArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			asked := a.offered(cmd.Context())
			if len(args) > 0 {
				p, err := a.provider(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				asked = []mockserver.Provider{p}
			}
			all := []storedRow{}
			for _, p := range asked {
				var out admin.Page[mockserver.Collection]
				if err := a.do(cmd.Context(), http.MethodGet, a.ns("data", string(p)), nil, &out); err != nil {
					return err
				}
				for _, c := range out.Items {
					all = append(all, storedRow{p, c})
				}
			}
			return a.Print(all, func(w io.Writer) {
				rows := make([][]string, 0, len(all))
				for _, c := range all {
					rows = append(rows, []string{string(c.Provider), c.Name, strconv.Itoa(c.Count)})
				}
				cli.Table(w, "provider\tcollection\titems", rows)
			})
		},
	}
}

func (a *app) dataGet() *cobra.Command {
	return &cobra.Command{
		Use: "get PROVIDER COLLECTION [FILE]", Short: "Write a collection, a JSON array, to a file or to stdout",
		Args: between(2, "PROVIDER", "COLLECTION", "FILE"), ValidArgsFunction: a.collectionArgs,
		Example: "  keyfit data get imkit users users.json\n  keyfit data get mindkey Employee | jq '.[0]'",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.provider(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			var out collectionItems
			if err := a.do(cmd.Context(), http.MethodGet, a.ns("data", string(p), args[1]), nil, &out); err != nil {
				return err
			}
			data, err := json.MarshalIndent(out.Items, "", "  ")
			if err != nil {
				return fmt.Errorf("data: %w", err)
			}
			data = append(data, '\n')
			return a.writeTo(args[2:], data)
		},
	}
}

func (a *app) dataPut() *cobra.Command {
	return &cobra.Command{
		Use: "put PROVIDER COLLECTION FILE", Short: "Replace a collection by the JSON array in a file; - is stdin",
		Args: exactly("PROVIDER", "COLLECTION", "FILE"), ValidArgsFunction: a.collectionArgs,
		Long: `The file is validated before any change: unknown members, duplicate IDs, references
to missing items. Put collections that others refer to first: users
before rooms.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.provider(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			data, err := a.readText(args[2])
			if err != nil {
				return fmt.Errorf("%s: %w", args[2], err)
			}
			items, err := readItems(data)
			if err != nil {
				return fmt.Errorf("%s: it is not a JSON array of items such as keyfit data get writes: %w", args[2], err)
			}
			in := collectionItems{items}
			var out collectionItems
			if err := a.put(cmd.Context(), http.MethodPut, a.ns("data", string(p), args[1]), in, &out); err != nil {
				return err
			}
			row := storedRow{p, mockserver.Collection{Name: args[1], Count: len(out.Items)}}
			return a.Print(row, func(w io.Writer) {
				_, _ = fmt.Fprintf(w, "%s %s: %d items\n", cli.Line(string(row.Provider)), cli.Line(row.Name), row.Count)
			})
		},
	}
}

// collectionArgs completes a provider, and then the name of one of its collections.
func (a *app) collectionArgs(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	switch {
	case len(args) == 0:
		return a.providerArgs(cmd, args, "")
	case len(args) > 1:
		return nil, cobra.ShellCompDirectiveDefault
	}
	if !ownName(strings.ToLower(args[0])) {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return completions(cmd, a, func(c mockserver.Collection) cobra.Completion {
		return described(c.Name, strconv.Itoa(c.Count)+" items")
	}, "data", strings.ToLower(args[0]))
}
