package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/admin"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/flagvalue"
	"github.com/keyfit/keyfit/mockserver"
)

// injected is a fault as the admin API returns it.
type injected struct {
	ID        string            `json:"id"`
	Match     mockserver.Match  `json:"match"`
	Fault     mockserver.Fault  `json:"fault"`
	When      []mockserver.When `json:"when,omitempty"`
	Hits      int               `json:"hits"`
	Remaining *int              `json:"remaining,omitempty"`
	What      string            `json:"what"`
	Hint      string            `json:"hint,omitempty"` // why it may not do what one expects
}

func (a *app) faultCommand() *cobra.Command {
	cmd := group(&cobra.Command{Use: "fault", Short: "Inject faults, list and clear them"})
	cmd.AddCommand(a.faultAdd(), a.faultList(), a.faultClear())
	return a.withAdmin(cmd)
}

func faultKinds() []string { return names(mockserver.FaultKinds()) }

// faultFlags are the parameters of a fault, and the conditions of its injection.
type faultFlags struct {
	spec        mockserver.FaultSpec
	when        mockserver.When
	probability float64
	seed        uint64
	headers     []string
}

func (a *app) faultAdd() *cobra.Command {
	var in faultFlags
	cmd := &cobra.Command{
		Use: "add KIND", Short: "Make matching requests go wrong", Args: exactly("KIND"),
		Long: "The kinds: " + strings.Join(faultKinds(), ", ") + ".",
		Example: "  keyfit fault add latency --delay 2s --provider imkit\n  keyfit fault add status --status 503 --first 2\n" +
			"  keyfit fault add status --status 503 --header 'Retry-After: 5' --body overloaded\n" +
			"  keyfit fault add throttle --delay 30s --probability 0.2 --seed 1",
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return faultKinds(), cobra.ShellCompDirectiveNoFileComp
		},
	}
	f := cmd.Flags()
	a.matchFlags(cmd, &in.spec.Match)
	in.add(f)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		kind, err := flagvalue.Find(args[0], faultKinds())
		if err != nil {
			return cli.At("KIND", err)
		}
		in.spec.Fault.Kind = mockserver.FaultKind(kind)
		if err := in.complete(cmd.Flags().Changed("probability")); err != nil {
			return cli.UsageError{Err: err}
		}
		var out injected
		if err := a.do(cmd.Context(), http.MethodPost, a.ns("faults"), in.spec, &out); err != nil {
			return err
		}
		if out.Hint != "" {
			a.Notice("%s", out.Hint)
		}
		return a.Print(out, func(w io.Writer) { cli.Table(w, faultHead, [][]string{out.row()}) })
	}
	return cmd
}

// add declares the flags.
func (in *faultFlags) add(f *pflag.FlagSet) {
	flagvalue.Duration(f, &in.spec.Fault.Delay, "delay", 1, 0, "the delay of latency, slow_body and throttle, and the longest of jitter, as `2s`")
	statusFlag(f, &in.spec.Fault.Status, 200, "the status `code` of status and redirect")
	f.StringVar(&in.spec.Fault.Body, "body", "", "the body of status")
	f.StringArrayVarP(&in.headers, "header", "H", nil, "a header of status, redirect and body, as `'Name: value'`; may be repeated")
	flagvalue.Int(f, &in.spec.Fault.Bytes, "bytes", 0, math.MaxInt64, "the `number` of bytes of truncate and body, and of a piece of slow_body")
	f.StringVar(&in.spec.Fault.Location, "location", "", "the target `URL` of redirect")
	f.Uint64Var(&in.seed, "seed", 0, "the `seed` of jitter and --probability")
	flagvalue.Int(f, &in.when.First, "first", 1, math.MaxInt, "hit only the first `N` requests")
	flagvalue.Int(f, &in.when.After, "after", 0, math.MaxInt, "skip the first `N` requests")
	flagvalue.Int(f, &in.when.Every, "every", 1, math.MaxInt, "hit every `N`th request")
	flagvalue.Fraction(f, &in.probability, "probability", "hit each request with this `probability`, 0 to 1")
	f.BoolVar(&in.when.Fresh, "fresh", false, "hit only the first request of each connection")
	flagvalue.Time(f, &in.when.From, "from", "hit from this `time` of the mock's clock on")
	flagvalue.Time(f, &in.when.To, "to", "hit until this `time` of the mock's clock")
}

// complete puts the fault together and checks it as a whole.
func (in *faultFlags) complete(hasProbability bool) error {
	for _, h := range in.headers {
		name, value, ok := strings.Cut(h, ":")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return &cli.ValueError{Place: "--header", Value: h, Want: "of the form 'Name: value'"}
		}
		if in.spec.Fault.Headers == nil {
			in.spec.Fault.Headers = make(map[string]string)
		}
		in.spec.Fault.Headers[name] = strings.TrimSpace(value)
	}
	if hasProbability {
		in.when.Probability, in.when.Seed = &in.probability, in.seed
	}
	if in.spec.Fault.Kind == mockserver.FaultJitter || !hasProbability {
		in.spec.Fault.Seed = in.seed // a kind that does not draw refuses it
	}
	if in.when != (mockserver.When{}) {
		in.spec.When = []mockserver.When{in.when}
	}
	if err := in.spec.ValidFor(append(mockserver.Providers(), in.spec.Match.Provider)); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "fault: "))
	}
	return nil
}

const faultHead = "id\tfault\tmatch\twhen\thits\tremaining"

func (i *injected) row() []string {
	remaining := ""
	if i.Remaining != nil {
		remaining = strconv.Itoa(*i.Remaining)
	}
	var match []string
	for _, part := range []string{string(i.Match.Provider), i.Match.Method, i.Match.Path, i.Match.KeyID} {
		if part != "" {
			match = append(match, part)
		}
	}
	if match == nil {
		match = []string{"all"}
	}
	return []string{i.ID, i.What, strings.Join(match, " "), whenText(i.When), strconv.Itoa(i.Hits), remaining}
}

func whenText(list []mockserver.When) string {
	var parts []string
	for _, w := range list {
		for _, n := range []struct {
			word string
			n    int
		}{{"first", w.First}, {"after", w.After}, {"every", w.Every}} {
			if n.n > 0 {
				parts = append(parts, fmt.Sprintf("%s %d", n.word, n.n))
			}
		}
		if w.Probability != nil {
			parts = append(parts, fmt.Sprintf("probability %g", *w.Probability))
		}
		if w.Fresh {
			parts = append(parts, "fresh connections")
		}
		if !w.From.IsZero() {
			parts = append(parts, "from "+cli.Time(w.From))
		}
		if !w.To.IsZero() {
			parts = append(parts, "to "+cli.Time(w.To))
		}
	}
	if parts == nil {
		return "always"
	}
	return strings.Join(parts, ", ")
}

func (a *app) faultList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List active faults", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var out admin.Page[injected]
			if err := a.do(cmd.Context(), http.MethodGet, a.ns("faults"), nil, &out); err != nil {
				return err
			}
			return a.Print(out.Items, func(w io.Writer) {
				rows := make([][]string, 0, len(out.Items))
				for i := range out.Items {
					rows = append(rows, out.Items[i].row())
				}
				cli.Table(w, faultHead, rows)
			})
		},
	}
}

func (a *app) faultClear() *cobra.Command {
	return &cobra.Command{
		Use: "clear [ID …]", Short: "Remove the named faults, or all", ValidArgsFunction: a.faultArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.do(cmd.Context(), http.MethodDelete, a.ns("faults"), nil, nil)
			}
			if slices.Contains(args, "") { // a variable of the shell that is not set must not clear anything
				return cli.Usagef("ID is empty; is a variable of the shell not set?")
			}
			for _, id := range args {
				if err := a.do(cmd.Context(), http.MethodDelete, a.ns("faults", id), nil, nil); err != nil {
					return fmt.Errorf("%s: %w", id, err)
				}
			}
			return nil
		},
	}
}
