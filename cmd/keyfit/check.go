package main

import (
	"context"
	"errors"
	"net/http"
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
	"github.com/keyfit/keyfit/cmd/keyfit/internal/keyplaces"
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

// checkFlags are the flags of check.
type checkFlags struct {
	keyFlags
	within time.Duration // a key that ends sooner is reported as ending; 0 for none
	probe  string        // the path to try the key of the only vendor with
}

func (a *app) checkCommand() *cobra.Command {
	var s checkFlags
	cmd := &cobra.Command{
		Use: "check [VENDOR...]", Short: "Try the keys in the environment and in .env",
		Long: `check finds the key of every vendor as the SDK does (the environment, then .env)
and sends the vendor's cheapest call with it. It prints where the key came from (its
variable or file, never its value), the host that it was sent to, marked if it is not
the vendor's own, and the vendor's response. A base URL in .env holds for a key of the
same file only. It warns of files that others can read or that git tracks, of a key
that stands in several places, and of one that is not used because another place has
precedence. A vendor named as an argument must have a key; without arguments, every
vendor that has one is tried.
The vendors: ` + strings.Join(vendors.Names(), ", ") + `.

As an alarm, check has an exit code for each outcome; of several keys it is that of
the first in this list:

  5 refused   the vendor refuses the key: calls fail now
  3 ended     the date of its end is past, whatever the vendor answers
  1 failed    no key where one must be, a broken place, no address; or any other failure
  4 ending    it ends within --fail-within
  6 unproven  nobody could say: no answer, a rate limit, a failing server, a missing
              permission, or a vendor that documents no call to try a key with (iiniit;
              --probe PATH names one)
  0 ok        every key is accepted, and none ends within --fail-within

2 is a command line that is not understood. The end of a key comes from not_after in its
file, or from _EXPIRES or _ISSUED beside it, as in the SDK. --json has the same word as verdict and as status,
and expiresInDays, rounded down.`,
		Example: "  keyfit check\n  keyfit check imkit --json\n  keyfit check mindkey --fail-within 14d    # in a scheduled job\n  keyfit check --dotenv deploy/.env --timeout 3s",
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return vendors.Names(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			chosen, err := chosenVendors(args)
			if err == nil {
				err = s.check(cmd, chosen, args)
			}
			if err != nil {
				return err
			}
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			return a.reportKeys(newCheckReport(checkKeys(ctx, chosen, len(args) > 0, &s), s.dotenv, len(args) > 0))
		},
	}
	s.add(cmd, 10*time.Second)
	flagvalue.Duration(cmd.Flags(), &s.within, "fail-within", 1, 0, "exit with 4 if a key ends within this `time`, such as 14d")
	cmd.Flags().StringVar(&s.probe, "probe", "", "with one VENDOR: try its key with GET of this `path`")
	return cmd
}

// check returns an error for flags that cannot be.
func (s *checkFlags) check(cmd *cobra.Command, chosen []vendors.Vendor, args []string) error {
	if err := s.keyFlags.check(cmd); err != nil || s.probe == "" {
		return err
	}
	if len(args) == 0 || len(chosen) != 1 {
		return cli.Usagef("--probe is a path of one vendor: name that vendor alone")
	}
	switch err := chosen[0].CheckPath(s.probe); {
	case errors.Is(err, vendors.ErrCredential):
		return cli.Usagef("--probe holds a credential: leave it out, it is attached")
	case err != nil:
		return cli.Usagef("--probe %w", err)
	}
	chosen[0].Provider.Probe = s.probe
	return nil
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
func checkKeys(ctx context.Context, chosen []vendors.Vendor, must bool, s *checkFlags) []keycheck.Result {
	results := make([]*keycheck.Result, len(chosen))
	places := keyplaces.Find(ctx, s.dotenv)
	var group sync.WaitGroup
	for i := range chosen {
		group.Go(func() { results[i] = checkKey(ctx, &chosen[i], must, s) })
	}
	group.Wait()
	found := []keycheck.Result{}
	for _, r := range results {
		if r != nil {
			places.Describe(r)
			found = append(found, *r)
		}
	}
	return found
}

// checkKey finds and tries the vendor's key. It returns nil if there is none and none is
// needed.
func checkKey(ctx context.Context, v *vendors.Vendor, must bool, s *checkFlags) *keycheck.Result {
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
	if s.probe != "" && out.Status >= http.StatusOK && out.Status < http.StatusMultipleChoices {
		out.Verdict, out.Error, out.Advice = keycheck.Accepted, "", "" // the path need not answer in JSON
	}
	out.Judge(v, time.Now(), s.within)
	return out
}
