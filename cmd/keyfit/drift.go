package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/drift"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/vendors"
	"github.com/keyfit/keyfit/internal/oneline"
	"github.com/keyfit/keyfit/internal/privatefile"
	"github.com/keyfit/keyfit/mockserver"
)

// driftSettings are the flags of drift.
type driftSettings struct {
	keyFlags

	probe, write string
}

func (a *app) driftCommand() *cobra.Command {
	var s driftSettings
	cmd := &cobra.Command{
		Use: "drift VENDOR", Short: "Ask a real API which of the mock's assumptions hold", Args: exactly("VENDOR"),
		Long: `drift sends a dozen GET requests to the vendor with your own key, one after the other,
and compares the answers with the mock's: to the key, to none, to an unknown one, in
another header, behind another scheme word, two at once, and to an unknown path. It
prints what holds and what does not. --write makes a file for keyfit mock --config of
the answers that differ, and the table says which of them the mock then plays.

It finds the key as check does. Nothing but GET is sent, to the vendor's address alone;
a 429 ends it. The key is in no output and in no file.

Exit code: 0 everything holds, 1 something does not, or cannot be asked, 2 usage error.`,
		Example: "  keyfit drift imkit\n  keyfit drift optimove --write optimove.json && keyfit mock --config optimove.json",
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return vendors.Names(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.check(cmd); err != nil {
				return err
			}
			v, err := findVendor(args[0])
			if err != nil { // of an API of one's own its file says all: nothing is assumed
				return fmt.Errorf("%w; an API of your own has no assumptions to ask about, its file says what the mock answers", err)
			}
			return a.drift(cmd, &v, &s)
		},
	}
	s.add(cmd, time.Minute)
	cmd.Flags().StringVar(&s.probe, "probe", "", "get this `path`, which the key may read, instead of the vendor's cheapest call")
	cmd.Flags().StringVar(&s.write, "write", "", "write the answers that differ to this new `file`, a configuration of keyfit mock")
	return cmd
}

func (a *app) drift(cmd *cobra.Command, v *vendors.Vendor, s *driftSettings) error {
	path, err := s.readable(v)
	if err != nil {
		return err
	}
	ctx, stop := interruptible(cmd.Context())
	defer stop()
	var warnings []string
	collect := vendors.CollectWarnings(&warnings)
	ring, _, err := v.Keyring(ctx, s.dotenv, collect)
	if err != nil {
		return fmt.Errorf("%w; set %s in the environment or in %s", err, v.Variables(), s.dotenv)
	}
	report, err := drift.Ask(ctx, v, path, func(wire http.RoundTripper) (*keyfit.Client, error) {
		return keyfit.New(v.Provider, keyfit.WithSource(ring), keyfit.WithDotEnv(s.dotenv), keyfit.WithHooks(keyfit.Hooks{Key: collect}),
			keyfit.WithHTTPClient(&http.Client{Transport: wire, Timeout: s.timeout}))
	})
	a.writeWarnings(warnings)
	if err != nil {
		return err //nolint:wrapcheck // it says what was asked
	}
	if s.write != "" && report.Drifted() {
		if err := writeProfile(s.write, report); err != nil {
			return err
		}
	}
	if err := a.Print(report, func(w io.Writer) { writeDrift(w, v, report, s.write) }); err != nil {
		return err
	}
	if report.Drifted() {
		return cli.ExitError(cli.ExitFailure)
	}
	return nil
}

// readable is the path that is asked for.
func (s *driftSettings) readable(v *vendors.Vendor) (string, error) {
	switch {
	case s.probe == "" && v.Provider.Probe == "":
		return "", cli.Usagef("%s documents no call to try a key with: give --probe, one that the key may read", v.Name)
	case s.probe == "":
		return v.Provider.Probe, nil
	}
	if err := v.CheckPath(s.probe); err != nil {
		return "", cli.Usagef("--probe %w", err)
	}
	return s.probe, nil
}

// writeProfile writes the profile as a configuration of the mock. A file that is there stays.
func writeProfile(path string, report *drift.Report) error {
	provider := mockserver.Provider(report.Provider)
	data, err := json.MarshalIndent(map[string]any{"profiles": map[mockserver.Provider]mockserver.Profile{provider: report.Profile}}, "", "  ")
	if err != nil {
		return fmt.Errorf("--write: %w", err)
	}
	if err := privatefile.Create(path, append(data, '\n')); err != nil {
		return fmt.Errorf("--write: %w", err)
	}
	return nil
}

func writeDrift(w io.Writer, v *vendors.Vendor, report *drift.Report, file string) {
	_, _ = fmt.Fprintf(w, "%s, GET %s, %d requests\n\n", v.Host(report.Host), report.Path, report.Requests) // the program reports what cannot be written
	rows := make([][]string, 0, len(report.Rows))
	for i := range report.Rows {
		row := &report.Rows[i]
		verdict := "holds"
		switch {
		case row.Holds:
		case row.Played:
			verdict = "differs; the profile plays it"
		default:
			verdict = "differs; the mock has no switch for it"
		}
		rows = append(rows, []string{row.Sent, shortAnswer(&row.Mock), shortAnswer(&row.Real), verdict})
	}
	cli.Table(w, "sent\tthe mock\tthe real API\t", rows)
	switch {
	case !report.Drifted():
		_, _ = fmt.Fprintln(w, "\nEverything that was asked holds.")
	case file != "":
		_, _ = fmt.Fprintf(w, "\nThe answers that differ are in %s: keyfit mock --config %s\n", file, file)
	default:
		_, _ = fmt.Fprintln(w, "\n--write FILE writes the answers that differ, for keyfit mock --config FILE.")
	}
}

// shortAnswer is an answer in a cell of the table.
func shortAnswer(a *drift.Answer) string {
	text := strconv.Itoa(a.Status)
	if a.ContentType != "" {
		text += " " + a.ContentType
	}
	if len(a.Limits) > 0 {
		text += " with " + a.Limits[0]
	}
	if a.Body != "" {
		text += " " + oneline.Text(a.Body, 60)
	}
	return text
}
