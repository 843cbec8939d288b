package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/keycheck"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/vendors"
)

// checkReport is what check found, as --json writes it.
type checkReport struct {
	OK       bool              `json:"ok"`
	Status   keycheck.Verdict  `json:"status"` // the worst verdict
	ExitCode int               `json:"exitCode"`
	DotEnv   *brokenDotEnv     `json:"dotenv,omitempty"`
	Vendors  []keycheck.Result `json:"vendors"`

	folded []string // the vendors of which no more is known than that the .env file is broken
}

// brokenDotEnv is a .env file that cannot be read.
type brokenDotEnv struct {
	Path  string `json:"path"`
	Error string `json:"error"`
}

// newCheckReport tells of a broken .env file once, and not for every vendor whose key it may
// have. A vendor that was named keeps its entry for a program.
func newCheckReport(found []keycheck.Result, dotenv string, named bool) *checkReport {
	worst := keycheck.Worst(found)
	r := &checkReport{OK: worst == keycheck.Accepted, Status: worst, ExitCode: worst.ExitCode(), Vendors: found}
	broken := vendors.DotEnvError(dotenv)
	if broken == nil {
		return r
	}
	r.DotEnv = &brokenDotEnv{dotenv, broken.Error()}
	says := func(text string) bool {
		return strings.HasSuffix(text, broken.Error()) || strings.Contains(text, dotenv+": "+broken.Error())
	}
	for i := range found {
		found[i].Warnings = slices.DeleteFunc(found[i].Warnings, says)
		if found[i].Fingerprint == "" && says(found[i].Error) {
			r.folded = append(r.folded, found[i].Vendor)
		}
	}
	if !named {
		r.Vendors = slices.DeleteFunc(found, r.isFolded)
	}
	return r
}

func (r *checkReport) isFolded(of keycheck.Result) bool { return slices.Contains(r.folded, of.Vendor) }

// reportKeys prints what was found and returns the exit code as an error.
func (a *app) reportKeys(r *checkReport) error {
	if err := a.Print(r, func(w io.Writer) {
		shown := slices.DeleteFunc(slices.Clone(r.Vendors), r.isFolded)
		writeResults(w, shown)
		writeWarnings(w, shown)
	}); err != nil {
		return err
	}
	if r.DotEnv != nil && !a.JSON {
		text := r.DotEnv.Path + ": " + r.DotEnv.Error + "; so nothing in it is a key"
		if len(r.folded) > 0 {
			text += ", for " + strings.Join(r.folded, ", ")
		}
		a.Notice("%s", text)
	}
	if len(r.Vendors) == 0 && len(r.folded) == 0 {
		var names []string
		for _, v := range vendors.All() {
			names = append(names, v.Variables())
		}
		a.Notice("no key in the environment or in .env; set one of %s, or name the file with --dotenv", strings.Join(names, ", "))
	}
	if r.ExitCode != cli.ExitOK {
		return cli.ExitError(r.ExitCode)
	}
	return nil
}

// writeResults writes a table for people, and below it what to do about each key.
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
		rows = append(rows, []string{
			r.Vendor, string(r.Verdict), r.Answer, latency, r.Fingerprint, endOf(r), r.Quota.String(), r.Scheme, r.Place, r.Mode, hostOf(r),
		})
	}
	cli.Table(w, "vendor\tkey\tresponse\tlatency\tfingerprint\texpires\tquota\tscheme\tfrom\tmode\thost", rows)
	for _, r := range found {
		if r.Error != "" {
			_, _ = fmt.Fprintf(w, "\n%s: %s\n", r.Vendor, cli.Line(strings.TrimPrefix(r.Error, r.Vendor+": ")))
		} else if r.Advice != "" {
			_, _ = fmt.Fprintf(w, "\n%s\n", r.Vendor)
		}
		if r.Advice != "" {
			_, _ = fmt.Fprintf(w, "  → %s\n", cli.Line(r.Advice))
		}
	}
}

// writeWarnings writes each warning once, with the vendors that it is for.
func writeWarnings(w io.Writer, found []keycheck.Result) {
	var texts []string
	names := map[string][]string{}
	warn := func(vendor, text string) {
		if names[text] == nil {
			texts = append(texts, text)
		}
		names[text] = append(names[text], vendor)
	}
	for _, r := range found {
		for _, text := range r.Warnings {
			warn(r.Vendor, text)
		}
		for _, also := range r.AlsoIn {
			warn(r.Vendor, "the same key is also in "+also)
		}
		for _, other := range r.NotUsed {
			warn(r.Vendor, other.Place+" has another key ("+other.Fingerprint+"), which is not used: "+r.Place+" has precedence")
		}
	}
	for _, text := range texts {
		_, _ = fmt.Fprintf(w, "\n%s: warning: %s\n", strings.Join(names[text], ", "), cli.Printable(text))
	}
}

// endOf is when a key ends, and in how many days.
func endOf(r keycheck.Result) string {
	if r.ExpiresInDays == nil {
		return ""
	}
	return cli.Time(r.Expires) + " (" + keycheck.Days(*r.ExpiresInDays) + ")"
}

// hostOf is where a key went, marked if that is not the vendor's own address; "" if nothing was
// sent.
func hostOf(r keycheck.Result) string {
	if v, ok := vendors.Find(r.Vendor); ok && r.Host != "" {
		return v.Host(r.Host)
	}
	return ""
}
