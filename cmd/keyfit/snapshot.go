package main

import (
	"io"
	"net/http"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/admin"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/mockserver"
)

// defaultSnapshot is the name of a snapshot that is given none.
const defaultSnapshot = "default"

func (a *app) snapshotCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use: "snapshot", Short: "Save the state of a mock under a name, and go back to it",
		Long: `A snapshot is the state of a namespace at a moment: keys, clock, limits, faults and
stored data. It is kept in the mock's memory, and ends with it; for a file, use
keyfit state export. The requests of the journal are not part of it.`,
		Example: "  keyfit data put imkit users users.json && keyfit snapshot save seeded\n  keyfit snapshot restore seeded   # before each test",
	})
	cmd.AddCommand(a.snapshotSave(), a.snapshotList(), a.snapshotRestore(), a.snapshotDelete())
	return a.withAdmin(cmd)
}

func (a *app) snapshotSave() *cobra.Command {
	return &cobra.Command{
		Use: "save [NAME]", Short: "Save the state, in place of a snapshot of the same name", Args: between(0, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var out mockserver.SavedSnapshot
			if err := a.do(cmd.Context(), http.MethodPost, a.ns("snapshots"), map[string]string{"name": snapshotName(args)}, &out); err != nil {
				return err
			}
			return a.Print(out, func(w io.Writer) { writeSnapshots(w, []mockserver.SavedSnapshot{out}) })
		},
	}
}

func snapshotName(args []string) string {
	if len(args) == 0 {
		return defaultSnapshot
	}
	return args[0]
}

func writeSnapshots(w io.Writer, all []mockserver.SavedSnapshot) {
	rows := make([][]string, 0, len(all))
	for _, s := range all {
		rows = append(rows, []string{s.Name, cli.Time(s.At), strconv.Itoa(s.Keys)})
	}
	cli.Table(w, "snapshot\tsaved\tkeys", rows)
}

func (a *app) snapshotList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List snapshots", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := admin.Page[mockserver.SavedSnapshot]{Items: []mockserver.SavedSnapshot{}}
			if err := a.do(cmd.Context(), http.MethodGet, a.ns("snapshots"), nil, &out); err != nil {
				return err
			}
			return a.Print(out.Items, func(w io.Writer) { writeSnapshots(w, out.Items) })
		},
	}
}

func (a *app) snapshotRestore() *cobra.Command {
	return &cobra.Command{
		Use: "restore [NAME]", Short: "Go back to a snapshot, any number of times", Args: between(0, "NAME"), ValidArgsFunction: a.snapshotArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			var s space
			if err := a.do(cmd.Context(), http.MethodPost, a.ns("snapshots", snapshotName(args), "restore"), nil, &s); err != nil {
				return a.nearSnapshot(cmd, snapshotName(args), err)
			}
			return a.Print(s, func(w io.Writer) { writeSpaces(w, []space{s}) })
		},
	}
}

func (a *app) snapshotDelete() *cobra.Command {
	return &cobra.Command{
		Use: "delete NAME", Short: "Delete a snapshot", Args: exactly("NAME"), ValidArgsFunction: a.snapshotArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.do(cmd.Context(), http.MethodDelete, a.ns("snapshots", args[0]), nil, nil); err != nil {
				return a.nearSnapshot(cmd, args[0], err)
			}
			return nil
		},
	}
}

// nearSnapshot adds the snapshot that was probably meant to the error for one that does not
// exist.
func (a *app) nearSnapshot(cmd *cobra.Command, name string, err error) error {
	return nearestOf(cmd.Context(), a, err, name, func(s mockserver.SavedSnapshot) string { return s.Name }, "snapshots")
}

// snapshotArgs completes the name of a snapshot.
func (a *app) snapshotArgs(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return completions(cmd, a, func(s mockserver.SavedSnapshot) cobra.Completion {
		return described(s.Name, cli.Time(s.At), strconv.Itoa(s.Keys)+" keys")
	}, "snapshots")
}
