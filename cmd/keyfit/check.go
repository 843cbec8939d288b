package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyfit/keyfit"
)

// checked is what is known of one vendor's key. It holds no key.
type checked struct {
	Vendor      string    `json:"vendor"`
	Verdict     verdict   `json:"verdict"`
	Place       string    `json:"place,omitempty"`
	Scheme      string    `json:"scheme"`
	Fingerprint string    `json:"fingerprint,omitempty"`
	Expires     time.Time `json:"expires,omitzero"`
	Status      int       `json:"status,omitempty"` // of the probe; 0 if no answer came
	Answer      string    `json:"answer"`
	LatencyMS   float64   `json:"latencyMs,omitempty"`
	Quota       *quota    `json:"quota,omitempty"`
	RequestID   string    `json:"requestId,omitempty"`
	Error       string    `json:"error,omitempty"`
	Advice      string    `json:"advice,omitempty"`
}

// verdict is what a script wants to know.
type verdict string

const (
	accepted verdict = "ok"
	unproven verdict = "unproven" // the vendor documents no call to try a key with
	failed   verdict = "failed"
)

// quota is a limit as the answer's header says it, or as the vendor's page does.
type quota struct {
	Requests  int    `json:"requests"`
	Per       string `json:"per,omitempty"`
	Remaining *int   `json:"remaining,omitempty"`
}

func (q *quota) String() string {
	switch {
	case q == nil:
		return ""
	case q.Remaining != nil:
		return fmt.Sprintf("%d of %d left", *q.Remaining, q.Requests)
	}
	return fmt.Sprintf("%d per %s", q.Requests, q.Per)
}

// checkSettings are the flags of check and call that say where keys are.
type checkSettings struct {
	dotenv  string
	timeout time.Duration
}

func (s *checkSettings) flags(cmd *cobra.Command, timeout time.Duration) {
	cmd.Flags().StringVar(&s.dotenv, "dotenv", ".env", "look for keys in this `file` after the environment")
	cmd.Flags().DurationVar(&s.timeout, "timeout", timeout, "give up on an answer after this `time`")
}

func (s *checkSettings) check(cmd *cobra.Command) error {
	if s.timeout <= 0 {
		return usage("--timeout must be positive")
	}
	if _, err := os.Stat(s.dotenv); err != nil && cmd.Flags().Changed("dotenv") {
		return usage("--dotenv: there is no file %q", s.dotenv)
	}
	return nil
}

func (a *app) checkCommand() *cobra.Command {
	var s checkSettings
	cmd := &cobra.Command{
		Use: "check [VENDOR...]", Short: "Try the keys that are in the environment or in .env",
		Long: `check finds the key of every vendor as the SDK does (the environment, then .env),
sends the vendor's cheapest call with it, and says where the key came from, by
its variable or file, never by its value, and what the vendor answered. A vendor
named as an argument must have a key; without arguments those that have one are
tried. ` + strings.Join(vendorNames(), ", ") + ` are known.

A key of a vendor that documents no call to try it with is found and not sent.

Exit code: 0 no key failed, 1 one did or there is none, 2 not understood.`,
		Example: "  keyfit check\n  keyfit check imkit --json\n  keyfit check --dotenv deploy/.env --timeout 3s",
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return vendorNames(), cobra.ShellCompDirectiveNoFileComp
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
			return a.reportKeys(checkKeys(ctx, chosen, len(args) > 0, &s))
		},
	}
	s.flags(cmd, 10*time.Second)
	return cmd
}

// chosenVendors are those named, once each, or all.
func chosenVendors(args []string) ([]vendor, error) {
	if len(args) == 0 {
		return vendors(), nil
	}
	var chosen []vendor
	for _, name := range args {
		v, err := parseVendor(name)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(chosen, func(other vendor) bool { return other.name == v.name }) {
			chosen = append(chosen, v)
		}
	}
	return chosen, nil
}

// checkKeys tries all keys at the same time.
func checkKeys(ctx context.Context, chosen []vendor, must bool, s *checkSettings) []checked {
	results := make([]*checked, len(chosen))
	var all sync.WaitGroup
	for i, v := range chosen {
		all.Go(func() { results[i] = v.check(ctx, must, s) })
	}
	all.Wait()
	found := []checked{}
	for _, r := range results {
		if r != nil {
			found = append(found, *r)
		}
	}
	return found
}

// check tries the vendor's key. It returns nil if there is none and need be none.
func (v *vendor) check(ctx context.Context, must bool, s *checkSettings) *checked {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	out := &checked{Vendor: v.name, Scheme: v.scheme, Verdict: failed, Answer: "not asked"}
	ring, configured, err := v.keys(ctx, s.dotenv)
	if err != nil {
		if !configured && !must {
			return nil
		}
		out.Error, out.Advice = err.Error(), "repair the place that has it"
		if !configured {
			out.Advice = "set " + v.variables() + " in the environment or in " + s.dotenv
		}
		return out
	}
	status := ring.Status().Current
	out.Place, out.Fingerprint, out.Expires = status.Place, status.Fingerprint, status.Expires
	c, err := keyfit.New(v.provider, keyfit.WithSource(ring), keyfit.WithDotEnv(s.dotenv))
	if err != nil {
		out.Error, out.Advice = err.Error(), "set "+v.provider.EnvURL+" to the vendor's address as https://host"
		return out
	}
	v.probe(ctx, c, out)
	return out
}

// probe sends the vendor's cheapest call, once.
func (v *vendor) probe(ctx context.Context, c *keyfit.Client, out *checked) {
	if l := v.provider.Limit; l.Requests > 0 {
		out.Quota = &quota{Requests: l.Requests, Per: plainDuration(l.Per)}
	}
	if v.provider.Probe == "" {
		out.Verdict, out.Advice = unproven, "the vendor documents no call to try it with: keyfit call "+v.name+" GET PATH, with a path of yours"
		return
	}
	var answer keyfit.Response
	begin := time.Now()
	_, err := keyfit.Get[struct{}](ctx, c, v.provider.Probe, keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 1}), keyfit.WithResponse(&answer))
	out.LatencyMS = float64(time.Since(begin).Microseconds()) / 1000
	out.Status, out.RequestID = answer.StatusCode, answer.RequestID
	if q := saidQuota(answer.Header); q != nil {
		out.Quota = q
	}
	if out.Answer = "no answer"; out.Status != 0 {
		out.Answer = strings.TrimSpace(strconv.Itoa(out.Status) + " " + http.StatusText(out.Status))
	}
	if err != nil {
		out.Error, out.Advice = err.Error(), v.advice(err, out)
		return
	}
	out.Verdict = accepted
	switch left := time.Until(out.Expires); {
	case out.Expires.IsZero():
	case left <= 0:
		out.Advice = "it works, though " + v.provider.EnvVar + "_EXPIRES says that it ended: correct that date"
	case left <= 30*24*time.Hour:
		out.Advice = fmt.Sprintf("it ends in %d days: have the next one made", int(left.Hours()/24))
	}
}

// advice says what to do about a failed probe.
func (v *vendor) advice(err error, out *checked) string {
	if errors.Is(err, keyfit.ErrRateLimited) {
		if limited, ok := errors.AsType[*keyfit.RateLimitError](err); ok && limited.RetryAfter > 0 {
			return "the limit is used up and the key not judged: check again in " + limited.RetryAfter.Round(time.Second).String()
		}
		return "the limit is used up and the key not judged: check again later"
	}
	if _, ok := errors.AsType[*keyfit.MissingKeyError](err); ok {
		return "the vendor saw no key: something on the way takes the header off; look for a proxy, and at " + v.provider.EnvURL
	}
	path, _, _ := strings.Cut(v.provider.Probe, "?")
	switch {
	case errors.Is(err, keyfit.ErrUnauthorized) && !out.Expires.IsZero() && out.Expires.Before(time.Now()):
		return "it ended at " + when(out.Expires) + ": have a new key made and put it into " + out.Place
	case errors.Is(err, keyfit.ErrUnauthorized):
		return "the vendor does not know this key: is it another environment's, or revoked? put a good one into " + out.Place
	case errors.Is(err, keyfit.ErrForbidden):
		return "the key may not read " + path + ": give it that permission, or ignore this if it is not to have it"
	case errors.Is(err, keyfit.ErrServer):
		return "the vendor fails and the key is not judged: check again later"
	case errors.Is(err, keyfit.ErrNotFound):
		return "there is no " + path + " at that address: look at " + v.provider.EnvURL
	case out.Status == 0 && errors.Is(err, context.DeadlineExceeded):
		return "no answer within --timeout: look at network, proxy and " + v.provider.EnvURL
	case out.Status == 0:
		return "look at network, proxy and " + v.provider.EnvURL
	}
	return "the key is not judged: read what the vendor says"
}

// saidQuota reads the three headers that are in use everywhere.
func saidQuota(h http.Header) *quota {
	limit, err := strconv.Atoi(h.Get("X-Ratelimit-Limit"))
	remaining, err2 := strconv.Atoi(h.Get("X-Ratelimit-Remaining"))
	if err != nil || err2 != nil || limit <= 0 || remaining < 0 {
		return nil
	}
	return &quota{Requests: limit, Remaining: &remaining}
}

// plainDuration is 1m for 1m0s.
func plainDuration(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// reportKeys prints what was found and ends with the exit code for it.
func (a *app) reportKeys(found []checked) error {
	bad := len(found) == 0 || slices.ContainsFunc(found, func(c checked) bool { return c.Verdict == failed })
	doc := struct {
		OK      bool      `json:"ok"`
		Vendors []checked `json:"vendors"`
	}{!bad, found}
	if err := a.print(doc, func(w io.Writer) { writeChecked(w, found) }); err != nil {
		return err
	}
	if len(found) == 0 {
		var names []string
		for _, v := range vendors() {
			names = append(names, v.provider.EnvVar)
		}
		_, _ = fmt.Fprintf(a.err, "keyfit: no key in the environment or in .env; set one of %s, or name the file with --dotenv\n", strings.Join(names, ", "))
	}
	if bad {
		return exitError(exitFailure)
	}
	return nil
}

func writeChecked(w io.Writer, found []checked) {
	if len(found) == 0 {
		return
	}
	rows := make([][]string, 0, len(found))
	for _, c := range found {
		latency := ""
		if c.LatencyMS > 0 {
			latency = fmt.Sprintf("%.0f ms", max(c.LatencyMS, 1))
		}
		rows = append(rows, []string{c.Vendor, string(c.Verdict), c.Answer, latency, c.Fingerprint, when(c.Expires), c.Quota.String(), c.Scheme, c.Place})
	}
	table(w, "vendor\tkey\tanswer\tlatency\tfingerprint\texpires\tquota\tscheme\tfrom", rows)
	for _, c := range found {
		if c.Error != "" {
			_, _ = fmt.Fprintf(w, "\n%s: %s\n", c.Vendor, strings.TrimPrefix(c.Error, c.Vendor+": "))
		} else if c.Advice != "" {
			_, _ = fmt.Fprintf(w, "\n%s\n", c.Vendor)
		}
		if c.Advice != "" {
			_, _ = fmt.Fprintf(w, "  → %s\n", c.Advice)
		}
	}
}
