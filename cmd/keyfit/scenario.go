package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/admin"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/mockserver/scenariofile"
)

func (a *app) scenarioCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use: "scenario", Short: "Play a bad day: rotations, storms, outages",
		Long: `A scenario has steps on the mock's clock: keys are rotated, revoked or expire, limits
fall, a provider answers 429 or nothing. Five are ready; one of your own is a file
(docs/scenarios.md). list and show need no mock.`,
		Example: "  keyfit run --scenario storm --speed 60 -- npm test\n  keyfit scenario show storm > mine.yaml\n  keyfit scenario play mine.yaml && keyfit clock advance 1h && keyfit scenario status",
	})
	cmd.AddCommand(a.scenarioList(), a.scenarioShow())
	for _, c := range []*cobra.Command{a.scenarioPlay(), a.scenarioStatus(), a.scenarioTake(), a.scenarioStop()} {
		cmd.AddCommand(a.withAdmin(c))
	}
	return cmd
}

// scenarioArgs completes a scenario's name; a file is the shell's own.
func scenarioArgs(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []cobra.Completion
	for _, s := range mockserver.Scenarios() {
		out = append(out, described(s.Name, s.About))
	}
	return out, cobra.ShellCompDirectiveDefault
}

func (a *app) scenarioList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the scenarios that are ready", Args: exactly(),
		RunE: func(*cobra.Command, []string) error {
			all := mockserver.Scenarios()
			return a.Print(all, func(w io.Writer) {
				rows := make([][]string, 0, len(all))
				for _, s := range all {
					rows = append(rows, []string{s.Name, s.About})
				}
				cli.Table(w, "scenario\tabout", rows)
			})
		},
	}
}

func (a *app) scenarioShow() *cobra.Command {
	return &cobra.Command{
		Use: "show SCENARIO", Short: "Print a scenario as a file", Args: exactly("SCENARIO"), ValidArgsFunction: scenarioArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := a.findScenario(args[0])
			if err != nil {
				return err
			}
			text, err := scenariofile.Write(s)
			if err != nil {
				return err
			}
			return a.Print(s, func(w io.Writer) { _, _ = w.Write(text) })
		},
	}
}

// findScenario reads a scenario for any mock: a provider that is not of the five may be an API
// of one's own of the running mock, which checks it.
func (a *app) findScenario(name string) (mockserver.Scenario, error) {
	s, err := findScenario(name, nil)
	if err != nil {
		return s, cli.UsageError{Err: err}
	}
	return s, nil
}

// findScenario returns the ready scenario of that name or, for anything else, the scenario of
// a file, checked for a mock that plays these providers.
func findScenario(nameOrFile string, played []mockserver.Provider) (mockserver.Scenario, error) {
	var names []string
	for _, s := range mockserver.Scenarios() {
		if s.Name == nameOrFile {
			return s, nil
		}
		names = append(names, s.Name)
	}
	s, err := scenariofile.Load(nameOrFile, played...)
	isPath := strings.ContainsAny(nameOrFile, `/\`) || filepath.Ext(nameOrFile) != ""
	if errors.Is(err, fs.ErrNotExist) && !isPath {
		return s, cli.Unknown("the scenario", nameOrFile, names)
	}
	return s, err //nolint:wrapcheck // it names the file
}

func (a *app) scenarioPlay() *cobra.Command {
	var providers []string
	cmd := &cobra.Command{
		Use: "play SCENARIO", Short: "Play a scenario, a name or a file, from now on", Args: exactly("SCENARIO"), ValidArgsFunction: scenarioArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.findScenario(args[0])
			if err != nil {
				return err
			}
			for _, p := range providers {
				if _, err := a.provider(cmd.Context(), p); err != nil {
					return cli.At("--providers", err)
				}
			}
			var out mockserver.ScenarioStatus
			if err := a.do(cmd.Context(), http.MethodPost, a.ns("scenario"), map[string]any{"scenario": s, "providers": providers}, &out); err != nil {
				if len(providers) > 0 && strings.Contains(err.Error(), mockserver.ErrNoSuchVendor.Error()) {
					return cli.UsageError{Err: fmt.Errorf("--providers: %w", err)}
				}
				return err
			}
			return a.Print(out, func(w io.Writer) { writeScenario(w, &out) })
		},
	}
	cmd.Flags().StringSliceVar(&providers, "providers", nil, "the `providers` that steps without one are about (default all)")
	return cmd
}

func (a *app) scenarioStatus() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show which steps are done, and what comes next", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var out mockserver.ScenarioStatus
			if err := a.do(cmd.Context(), http.MethodGet, a.ns("scenario"), nil, &out); err != nil {
				return err
			}
			return a.Print(out, func(w io.Writer) { writeScenario(w, &out) })
		},
	}
}

func writeScenario(w io.Writer, st *mockserver.ScenarioStatus) {
	_, _ = fmt.Fprintf(w, "%s: %s, %d steps done, the clock shows %s\n", st.Name, st.State, len(st.Done), cli.Time(st.Now))
	rows := make([][]string, 0, len(st.Done)+len(st.Next))
	for i := range st.Done {
		r := &st.Done[i]
		result := "done"
		if len(r.Keys) > 0 {
			result += ": " + strings.Join(r.Keys, " ")
		}
		if len(r.Successors) > 0 {
			result += " -> " + strings.Join(r.Successors, " ")
		}
		if r.Problem != "" {
			result = r.Problem
		}
		rows = append(rows, []string{cli.Time(r.At), strconv.Itoa(r.Step), r.Does, result})
	}
	for _, n := range st.Next {
		result := "next"
		if n.Ends {
			result = "next: ends"
		}
		rows = append(rows, []string{cli.Time(n.At), strconv.Itoa(n.Step), n.Does, result})
	}
	cli.Table(w, "at\tstep\tdoes\tresult", rows)
}

// taken is a key as the admin API returns it once.
type taken struct {
	mockserver.Key

	Secret string `json:"secret"`
	Token  string `json:"token,omitempty"`
}

func (a *app) scenarioTake() *cobra.Command {
	return &cobra.Command{
		Use: "take", Short: "Print the keys that the steps have issued, each once", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := admin.Page[taken]{Items: []taken{}}
			if err := a.do(cmd.Context(), http.MethodPost, a.ns("scenario", "take"), nil, &out); err != nil {
				return err
			}
			return a.Print(out.Items, func(w io.Writer) {
				rows := make([][]string, 0, len(out.Items))
				for i := range out.Items {
					k := &out.Items[i]
					rows = append(rows, []string{k.ID, string(k.Provider), k.Replaces, strings.TrimSpace(k.Secret + " " + k.Token)})
				}
				cli.Table(w, "id\tprovider\treplaces\tkey", rows)
			})
		},
	}
}

func (a *app) scenarioStop() *cobra.Command {
	return &cobra.Command{
		Use: "stop", Short: "Stop the scenario; what it has set for a time is undone", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.do(cmd.Context(), http.MethodDelete, a.ns("scenario"), nil, nil)
		},
	}
}
