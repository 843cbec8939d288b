package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/flagvalue"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/keycheck"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/vendors"
)

// keyFlags are the flags of check and call that say where keys are.
type keyFlags struct {
	dotenv  string
	timeout time.Duration
}

func (k *keyFlags) add(cmd *cobra.Command, timeout time.Duration) {
	cmd.Flags().StringVar(&k.dotenv, "dotenv", ".env", "look for keys in this `file` after the environment")
	k.timeout = timeout
	flagvalue.Duration(cmd.Flags(), &k.timeout, "timeout", 1, 0, "give up on a response after this `time`")
}

func (k *keyFlags) check(cmd *cobra.Command) error {
	if _, err := os.Stat(k.dotenv); err != nil && cmd.Flags().Changed("dotenv") {
		return cli.Usagef("--dotenv: there is no file %q", k.dotenv)
	}
	return nil
}

func (a *app) checkCommand() *cobra.Command {
	var s keyFlags
	cmd := &cobra.Command{
		Use: "check [VENDOR...]", Short: "Try the keys in the environment and in .env",
		Long: `check finds the key of every vendor as the SDK does (the environment, then .env)
and sends the vendor's cheapest call with it. It prints where the key came from (its
variable or file, never its value), the host that it was sent to, marked if it is not
the vendor's own, and the vendor's response. A base URL in .env holds for a key of the
same file only. It warns of files that others can read or that git tracks. A vendor named as an
argument must have a key; without arguments, every vendor that has one is tried.
The vendors: ` + strings.Join(vendors.Names(), ", ") + `.

If a vendor documents no call to try a key with, its key is found and not sent.

Exit code: 0 no key failed, 1 a key failed or there is none, 2 usage error.`,
		Example: "  keyfit check\n  keyfit check imkit --json\n  keyfit check --dotenv deploy/.env --timeout 3s",
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return vendors.Names(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.check(cmd); err != nil {
				return err
			}
			chosen, err := chosenVendors(args)
			if err != nil {
				return err
			}
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			return a.reportKeys(checkKeys(ctx, chosen, len(args) > 0, &s), s.dotenv)
		},
	}
	s.add(cmd, 10*time.Second)
	return cmd
}

// findVendor reads a vendor's name as a person typed it.
func findVendor(name string) (vendors.Vendor, error) {
	v, ok := vendors.Find(name)
	if !ok {
		return vendors.Vendor{}, cli.UsageError{Err: cli.Unknown("VENDOR", name, vendors.Names())}
	}
	return v, nil
}

// chosenVendors are those named, once each, or all.
func chosenVendors(args []string) ([]vendors.Vendor, error) {
	if len(args) == 0 {
		return vendors.All(), nil
	}
	var chosen []vendors.Vendor
	for _, name := range args {
		v, err := findVendor(name)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(chosen, func(other vendors.Vendor) bool { return other.Name == v.Name }) {
			chosen = append(chosen, v)
		}
	}
	return chosen, nil
}

// checkKeys tries all keys at the same time. With must, a vendor without a key has failed.
func checkKeys(ctx context.Context, chosen []vendors.Vendor, must bool, s *keyFlags) []keycheck.Result {
	results := make([]*keycheck.Result, len(chosen))
	var group sync.WaitGroup
	for i := range chosen {
		group.Go(func() { results[i] = checkKey(ctx, &chosen[i], must, s) })
	}
	group.Wait()
	found := []keycheck.Result{}
	for _, r := range results {
		if r != nil {
			found = append(found, *r)
		}
	}
	return found
}

// checkKey finds and tries the vendor's key. It returns nil if there is none and none is
// needed.
func checkKey(ctx context.Context, v *vendors.Vendor, must bool, s *keyFlags) *keycheck.Result {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	out := &keycheck.Result{Vendor: v.Name, Scheme: v.Scheme, Verdict: keycheck.Failed, Answer: "not asked"}
	collect := vendors.CollectWarnings(&out.Warnings)
	ring, configured, err := v.Keyring(ctx, s.dotenv, collect)
	if err != nil {
		if !configured && !must {
			return nil
		}
		out.Error, out.Advice = err.Error(), "repair the place that has it"
		if !configured {
			out.Advice = "set " + v.Variables() + " in the environment or in " + s.dotenv
		}
		return out
	}
	status := ring.Status().Current
	out.Place, out.Fingerprint, out.Expires = status.Place, status.Fingerprint, status.Expires
	c, err := keyfit.New(v.Provider, keyfit.WithSource(ring), keyfit.WithDotEnv(s.dotenv), keyfit.WithHooks(keyfit.Hooks{Key: collect}))
	if err != nil {
		out.Error, out.Advice = err.Error(), "set "+v.Provider.EnvURL+" to the vendor's address as https://host, in the place that has the key"
		return out
	}
	out.Try(ctx, v, c)
	return out
}

// reportKeys prints what was found and returns the exit code as an error.
func (a *app) reportKeys(found []keycheck.Result, dotenv string) error {
	failed := func(r keycheck.Result) bool { return r.Verdict == keycheck.Failed }
	bad := len(found) == 0 || slices.ContainsFunc(found, failed)
	doc := struct {
		OK      bool              `json:"ok"`
		Vendors []keycheck.Result `json:"vendors"`
	}{!bad, found}
	shown, hidden := foldBroken(found, dotenv)
	if err := a.Print(doc, func(w io.Writer) { writeResults(w, shown) }); err != nil {
		return err
	}
	if len(hidden) > 0 && !a.JSON {
		a.Notice("%s: %s; so nothing in it is a key, for %s", dotenv, vendors.DotEnvError(dotenv), strings.Join(hidden, ", "))
	}
	if len(found) == 0 {
		var names []string
		for _, v := range vendors.All() {
			names = append(names, v.Variables())
		}
		a.Notice("no key in the environment or in .env; set one of %s, or name the file with --dotenv", strings.Join(names, ", "))
	}
	if bad {
		return cli.ExitError(cli.ExitFailure)
	}
	return nil
}

// foldBroken leaves out the results that say no more than that the .env file is broken, which
// is told once. hidden names their vendors.
func foldBroken(found []keycheck.Result, dotenv string) (shown []keycheck.Result, hidden []string) {
	broken := vendors.DotEnvError(dotenv)
	for _, r := range found {
		if broken != nil && r.Fingerprint == "" && strings.HasSuffix(r.Error, broken.Error()) {
			hidden = append(hidden, r.Vendor)
			continue
		}
		shown = append(shown, r)
	}
	return shown, hidden
}

// writeResults writes a table for people, and below it what to do about each failed key.
func writeResults(w io.Writer, found []keycheck.Result) {
	if len(found) == 0 {
		return
	}
	rows := make([][]string, 0, len(found))
	for _, r := range found {
		latency := ""
		if r.LatencyMS > 0 {
			latency = fmt.Sprintf("%.0f ms", max(r.LatencyMS, 1))
		}
		rows = append(rows, []string{r.Vendor, string(r.Verdict), r.Answer, latency, r.Fingerprint, cli.Time(r.Expires), r.Quota.String(), r.Scheme, r.Place, hostOf(r)})
	}
	cli.Table(w, "vendor\tkey\tresponse\tlatency\tfingerprint\texpires\tquota\tscheme\tfrom\thost", rows)
	for _, r := range found {
		if r.Error != "" {
			_, _ = fmt.Fprintf(w, "\n%s: %s\n", r.Vendor, cli.Line(strings.TrimPrefix(r.Error, r.Vendor+": ")))
		} else if r.Advice != "" {
			_, _ = fmt.Fprintf(w, "\n%s\n", r.Vendor)
		}
		if r.Advice != "" {
			_, _ = fmt.Fprintf(w, "  → %s\n", cli.Line(r.Advice))
		}
		for _, warning := range r.Warnings {
			_, _ = fmt.Fprintf(w, "\n%s: warning: %s\n", r.Vendor, cli.Printable(warning))
		}
	}
}

// hostOf is where a key went, marked if that is not the vendor's own address; "" if nothing was
// sent.
func hostOf(r keycheck.Result) string {
	if v, ok := vendors.Find(r.Vendor); ok && r.Host != "" {
		return v.Host(r.Host)
	}
	return ""
}
