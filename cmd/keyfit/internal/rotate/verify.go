package rotate

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/keycheck"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/vendors"
	"github.com/keyfit/keyfit/internal/envfile"
)

// proofs is how often the new key must be accepted: one response may come from an edge server
// that learns of new keys before the others do.
const proofs = 2

// probeTimeout is how long one response may take.
const probeTimeout = 10 * time.Second

// client returns a client that calls the vendor with a key, and the vendor with the path of
// --probe.
func (r *rotation) client(cred keyfit.Credential) (*vendors.Vendor, *keyfit.Client, error) {
	v := *r.vendor // a copy: --probe changes it
	if r.opts.probe != "" {
		v.Provider.Probe = r.opts.probe
	}
	opts := []keyfit.Option{keyfit.WithSource(keyfit.Static(cred)), keyfit.WithoutDotEnv()}
	if address := r.address(); address != "" {
		opts = append(opts, keyfit.WithBaseURL(address))
	}
	c, err := keyfit.New(v.Provider, opts...)
	if err != nil {
		return &v, nil, vendors.AddressError(err)
	}
	return &v, c, nil
}

// verify tries the new key at the vendor. verified is false if there is no call to try a key
// with; a key that is refused is an error.
func (r *rotation) verify(ctx context.Context) (verified bool, err error) {
	fp := r.next.Fingerprint()
	if r.opts.probe == "" && r.vendor.Provider.Probe == "" {
		r.report.warn(&Event{Event: "unverified", Fingerprint: fp},
			"the new key is not tried: "+r.vendor.Name+" documents no call to try one with; --probe PATH names one of yours")
		return false, nil
	}
	if r.address() == "" {
		r.warnOfIgnoredAddress()
	}
	v, c, err := r.client(r.next)
	if err != nil {
		return false, err
	}
	r.report.line("✓", "host", v.Host(c.BaseURL())) // for a program, it is in the events
	var answers []string
	for try := 1; try <= proofs; try++ {
		got := prove(ctx, v, c)
		if got.Verdict != keycheck.Accepted {
			return false, fmt.Errorf("the new key %s was not verified: %s: %s", fp, got.Error, got.Advice)
		}
		answers = append(answers, fmt.Sprintf("%s in %.0f ms", got.Answer, max(got.LatencyMS, 1)))
		e := &Event{Event: "verified", Fingerprint: fp, Try: try, Status: got.Status, LatencyMS: got.LatencyMS, URL: c.BaseURL()}
		if try < proofs {
			r.report.event(e, "verified", answers[try-1])
			continue
		}
		r.report.step(e, "verified", strings.Join(answers, ", "))
	}
	return true, nil
}

// address returns the address that --base-url or .env gives; "" if neither holds. That of .env
// holds for the keys of the same file: for the one that is put there, and for one in a file of
// its own if it is the key that .env names.
func (r *rotation) address() string {
	p := r.vendor.Provider
	if r.opts.baseURL != "" {
		return r.opts.baseURL
	}
	if value, ok := os.LookupEnv(p.EnvURL); ok && strings.TrimSpace(value) != "" {
		return "" // the SDK reads it
	}
	if !r.target.keyOnly {
		assignments, err := envfile.Parse(r.target.file.Content())
		if err != nil {
			return ""
		}
		value, _ := assignments.Lookup(p.EnvURL)
		return strings.TrimSpace(value)
	}
	named, err := keyfit.New(p, keyfit.WithSource(keyfit.DotEnv(r.opts.dotenv, p.EnvVar)), keyfit.WithDotEnv(r.opts.dotenv))
	if err != nil || named.Keys().Status().Current.Fingerprint != r.target.present.Fingerprint() {
		return ""
	}
	return named.BaseURL()
}

// warnOfIgnoredAddress says that .env has an address that does not hold for the key of a file of
// its own.
func (r *rotation) warnOfIgnoredAddress() {
	name := r.vendor.Provider.EnvURL
	if !r.target.keyOnly || strings.TrimSpace(os.Getenv(name)) != "" {
		return
	}
	if r.vendor.HasAddress(r.opts.dotenv) {
		r.report.warn(&Event{Event: "warning"}, name+" in "+r.opts.dotenv+" is ignored: it holds only for a key of that file, and this key is in a file that it does not name")
	}
}

// prove sends the call once.
func prove(ctx context.Context, v *vendors.Vendor, c *keyfit.Client) *keycheck.Result {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	got := &keycheck.Result{Vendor: v.Name, Scheme: v.Scheme, Verdict: keycheck.Failed, Place: "the new key"}
	got.Try(ctx, v, c)
	switch {
	case got.Status >= http.StatusOK && got.Status < http.StatusMultipleChoices:
		got.Verdict = keycheck.Accepted // even if --probe names a path that does not answer in JSON
	case got.Status == http.StatusUnauthorized:
		got.Advice = "is it complete, and for this environment? a key that was just made may take a minute to work"
	}
	return got
}
