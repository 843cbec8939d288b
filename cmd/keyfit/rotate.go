package main

import (
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyfit/keyfit/internal/rfc3339"
)

// rotateSettings are the flags of rotate. There is none for a key.
type rotateSettings struct {
	dotenv, file  string
	keyFile       string
	expires       string
	probe         string
	baseURL       string
	backup        string
	watch         []string
	every, quiet  time.Duration
	timeout       time.Duration
	mock, revoke  bool
	yes           bool
	fromStdin     bool
	expiresParsed time.Time
}

const noExpiry = "none"

func (a *app) rotateCommand() *cobra.Command {
	var s rotateSettings
	cmd := &cobra.Command{
		Use: "rotate VENDOR [-]", Short: "Replace a vendor's key in .env, safely, and say when the old one may go",
		Long: `rotate walks through the rotation of one key:

  1 reads the present key from .env          4 watches until nobody uses the old key
  2 tries the new key at the vendor, twice   5 says how the old key is revoked
  3 puts it into the file, whole or not at all

The new key is asked for without echo, or read from the standard input (-) or from
--key-file; it is never an argument. A pair (imkit-user) is two lines: the client
key, then the token. If the new key is refused, nothing is changed; where a vendor
documents no call to try it with (iiniit), --probe names one, or the key goes in
untried and keyfit says so. The file keeps its mode, owner, comments, quotes and
every other line; a symlink is followed; a file that somebody else changes meanwhile
is left alone. Ctrl-C at any moment leaves the old file or the new one, whole.

--watch URL asks a service for the JSON of its Keyring.Status(), or a list of them,
until it names the old key in safe_to_revoke, or is one that was started with the
new key and holds no other; give it once for each replica. With --mock the mock's
own count of requests is watched. With neither, keyfit cannot see who uses the old
key, and says so.

--json writes one object a line: event (present, absent, new, verified, unverified,
backup, swapped, watching, unused, unseen, revoked, advice, warning, failed, done),
time, text, and what belongs to it: fingerprint, previous, place, lines, try, status,
latencyMs, url, generation, current, inFlight, lastUsed, safe, changed. Keys are named
by fingerprints.

To go back, rotate to the old key; --backup FILE keeps the file as it was.

Exit code: 0 done, 1 failed (the text says whether the file was changed), 2 not
understood.`,
		Example: "  keyfit rotate mindkey --expires 2027-11-30\n" +
			"  keyfit rotate imkit --watch http://10.0.0.7:8080/keys --watch http://10.0.0.8:8080/keys\n" +
			"  vault kv get -field=key secret/imkit | keyfit rotate imkit - --yes --json\n" +
			"  keyfit rotate optimove --file /run/secrets/optimove --key-file new.key",
		Args: rotateArgs, ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return vendorNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := parseVendor(args[0])
			if err != nil {
				return usage("there is no such vendor; one of %s", strings.Join(vendorNames(), ", "))
			}
			s.fromStdin = len(args) > 1 || s.keyFile == "-"
			if err := s.check(&v, a.json); err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return a.rotate(ctx, &v, &s)
		},
	}
	s.flags(cmd)
	return a.withAdmin(cmd)
}

func (s *rotateSettings) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.dotenv, "dotenv", ".env", "the `file` to change, and where the vendor's address may be")
	f.StringVar(&s.file, "file", "", "change this `file`, which holds the key alone, in place of .env")
	f.StringVar(&s.keyFile, "key-file", "", "read the new key from this `file`; - is the standard input")
	f.StringVar(&s.expires, "expires", "", "when the new key ends, as a `date` or RFC 3339 time; none takes the old one's date out")
	f.StringVar(&s.probe, "probe", "", "try the new key with GET of this `path`")
	f.StringVar(&s.baseURL, "base-url", "", "the vendor's address, as `https://host`, in place of its variable")
	f.StringVar(&s.backup, "backup", "", "keep the file as it was in this new `file`, with the old key in it")
	f.StringArrayVar(&s.watch, "watch", nil, "a service's `URL` of Keyring.Status() as JSON; may be given again")
	f.DurationVar(&s.every, "watch-every", 2*time.Second, "ask so often")
	f.DurationVar(&s.quiet, "quiet", 30*time.Second, "with --mock: how long the old key must have been unused")
	f.DurationVar(&s.timeout, "timeout", 15*time.Minute, "give up after this `time`, from the moment the new key is read")
	f.BoolVar(&s.mock, "mock", false, "watch the use of the old key at the mock that --admin-url names")
	f.BoolVar(&s.revoke, "revoke", false, "with --mock: revoke the old key there once it is unused")
	f.BoolVarP(&s.yes, "yes", "y", false, "ask nothing")
}

// rotateArgs takes VENDOR and perhaps -. It repeats nothing: what stands there may be a key.
func rotateArgs(_ *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return usage("VENDOR is missing")
	case len(args) > 2 || len(args) == 2 && args[1] != "-":
		return usage("the new key is no argument, since arguments stay in the shell's history: give - to read it from the standard input, --key-file, or nothing to be asked; a real key that stood here is to be changed")
	}
	return nil
}

// check finds what is wrong before anything is read. It repeats no value that could be a key.
func (s *rotateSettings) check(v *vendor, machine bool) error {
	switch {
	case s.timeout <= 0 || s.every <= 0 || s.quiet <= 0:
		return usage("--timeout, --watch-every and --quiet must be positive")
	case machine && !s.yes:
		return usage("--json asks nothing, so it wants --yes")
	case s.fromStdin && s.keyFile != "" && s.keyFile != "-":
		return usage("- and --key-file exclude each other")
	case s.revoke && !s.mock:
		return usage("--revoke is for a mock (--mock): no vendor documents a call that revokes a key")
	case s.file != "" && v.provider.EnvID != "":
		return usage("a file that holds one key cannot hold the pair %s", v.variables())
	case s.file != "" && s.expires != "":
		return usage("--file holds a key and no date: --expires is for .env")
	}
	for _, raw := range s.watch {
		if u, err := url.Parse(raw); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return usage("--watch wants URLs, as http://host:port/path")
		}
	}
	if s.probe != "" {
		u, err := url.Parse(s.probe)
		if err != nil || u.Host != "" || !strings.HasPrefix(s.probe, "/") {
			return usage("--probe wants a path, as /path?query, without host")
		}
		for name := range u.Query() {
			if v.carries("", name) {
				return usage("--probe holds a credential: leave it out, it is attached")
			}
		}
	}
	return s.parseExpires()
}

func (s *rotateSettings) parseExpires() error {
	if s.expires == "" || s.expires == noExpiry {
		return nil
	}
	t, ok := rfc3339.Parse(s.expires)
	if !ok {
		return usage("--expires is a date (2027-01-31), a time (2027-01-31T12:00:00Z) or none")
	}
	if s.expiresParsed = t; t.Before(time.Now()) {
		return usage("--expires is in the past")
	}
	return nil
}
