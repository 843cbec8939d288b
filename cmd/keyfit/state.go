package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/spf13/cobra"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/flagvalue"
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
	cmd.AddCommand(export, restore, a.stateReset())
	return a.withAdmin(cmd)
}

func (a *app) stateReset() *cobra.Command {
	var keepKeys bool
	var keep []string
	cmd := &cobra.Command{
		Use: "reset", Short: "Reset the namespace: no faults, requests or changed data, and no keys but those of the start", Args: exactly(),
		Long: `reset brings the namespace to the state of its start. The keys that the mock issued when
it started, which a program under test has, stay valid. --keep-keys leaves all keys, and
--keep leaves what it names.`,
		Example: "  keyfit state reset                       # before each test\n  keyfit state reset --keep-keys --keep clock",
		RunE: func(cmd *cobra.Command, _ []string) error {
			parts := names(mockserver.Parts())
			for i, part := range keep {
				var err error
				if keep[i], err = flagvalue.Find(part, parts); err != nil {
					return cli.At("--keep", err)
				}
			}
			if keepKeys && !slices.Contains(keep, string(mockserver.KeepKeys)) {
				keep = append(keep, string(mockserver.KeepKeys))
			}
			in := map[string]any{}
			if len(keep) > 0 {
				in["keep"] = keep
			}
			var s space
			if err := a.do(cmd.Context(), http.MethodPost, a.ns("reset"), in, &s); err != nil {
				return err
			}
			return a.Print(s, func(w io.Writer) { writeSpaces(w, []space{s}) })
		},
	}
	cmd.Flags().BoolVar(&keepKeys, "keep-keys", false, "leave all keys as they are")
	cmd.Flags().StringSliceVar(&keep, "keep", nil, "leave these `parts`: "+cli.List(names(mockserver.Parts())))
	_ = cmd.RegisterFlagCompletionFunc("keep", cobra.FixedCompletions(names(mockserver.Parts()), cobra.ShellCompDirectiveNoFileComp)) // fails on a wrong name only
	return cmd
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
	return a.writeTo(args, data)
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
