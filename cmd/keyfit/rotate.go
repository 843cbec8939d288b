package main

import (
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/rotate"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/vendors"
)

func (a *app) rotateCommand() *cobra.Command {
	var o rotate.Options
	cmd := &cobra.Command{
		Use: "rotate VENDOR [-]", Short: "Replace a vendor's key in .env, and say when to revoke the old one",
		Long: `rotate replaces one key, step by step:

  1 reads the current key from .env
  2 tries the new key at the vendor, twice, and names the host
  3 writes it into the file, in one swap
  4 waits until nobody uses the old key, only with --watch (or --mock)
  5 says how to revoke the old key

keyfit prompts for the new key without echo, or reads it from the standard input (-)
or from --key-file; it is never an argument. A pair (imkit-user) is two lines: the client
key, then the token. If the new key is refused, nothing is changed. If a vendor
documents no call to try a key with (iiniit), --probe names one; without it the key
is written untried and keyfit says so. The file keeps its mode, owner, comments,
quotes and every other line. A symlink is followed. A file that somebody else
changes meanwhile is left alone. After Ctrl-C the file is complete: old or new.

--watch URL asks a service for the JSON of its Keyring.Status(), or a list of them,
until the service names the old key in safe_to_revoke, or never had the old one. All
addresses of the URL's host name are asked, as keyfit watch does; repeat it for further
ones. With --mock, the mock's own count of requests is watched. With neither, keyfit
cannot see who uses the old key, and says so.

To go back: --backup FILE keeps the old content, and --rollback FILE puts its key, with
the dates beside it, back; it is tried first, as any key is. With --rollback-on-failure
a rotation that does not end well after the swap (--timeout, Ctrl-C) puts the old content
back itself; at a terminal it asks. The file is then left alone if somebody else changed
it, or if the vendor refuses the old key.

--leaked is for a key that others have: the old key goes first. keyfit says how it is
revoked and where its use shows, revokes it itself with --mock, tries and writes the new
key without waiting for anybody, and ends when the vendor refuses the old one.

--json writes one object a line: event (present, absent, advice, look, new, verified,
unverified, backup, swapped, watching, unused, unseen, refused, revoked, rolled_back,
warning, failed, done), time, text, and where they apply: fingerprint, previous, place,
lines, try, status, latencyMs, url, generation, current, inFlight, lastUsed, safe,
changed. Keys are named by their fingerprints.

Exit code: 0 done, 1 failed (the text says whether the file was changed), 2 usage
error.`,
		Example: "  keyfit rotate mindkey --expires 2027-11-30\n" +
			"  keyfit rotate imkit --watch http://10.0.0.7:8080/keys --watch http://10.0.0.8:8080/keys\n" +
			"  keyfit rotate imkit --watch http://shop.prod.svc:8080/keys --replicas 3 --rollback-on-failure\n" +
			"  keyfit rotate optimove --leaked\n" +
			"  vault kv get -field=key secret/imkit | keyfit rotate imkit - --yes --json\n" +
			"  keyfit rotate optimove --file /run/secrets/optimove --key-file new.key",
		Args: rotateArgs, ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return vendors.Names(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			v, ok := vendors.Find(args[0])
			if !ok { // not findVendor: its error repeats the argument, which may be a key
				return cli.Usagef("there is no such vendor; one of %s", strings.Join(vendors.Names(), ", "))
			}
			o.FromStdin = len(args) > 1
			if err := o.Check(&v, a.JSON); err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return rotate.Run(ctx, a.Terminal, rotate.Mock{Client: a.client, Namespace: a.namespace}, &v, &o)
		},
	}
	o.AddFlags(cmd.Flags())
	return a.withAdmin(cmd)
}

// rotateArgs takes VENDOR and perhaps -. It repeats no argument, which may be a key.
func rotateArgs(_ *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return cli.Usagef("VENDOR is missing")
	case len(args) > 2 || len(args) == 2 && args[1] != "-":
		return cli.Usagef("the new key cannot be an argument, since arguments stay in the shell's history: give - to read it from the standard input, --key-file, or nothing to be asked; if a real key was given here, have it replaced")
	}
	return nil
}
