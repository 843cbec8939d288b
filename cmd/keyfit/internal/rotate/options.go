package rotate

import (
	"errors"
	"time"

	"github.com/spf13/pflag"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/flagvalue"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/replica"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/vendors"
	"github.com/keyfit/keyfit/internal/rfc3339"
)

// Options are the flags of the command. None of them takes a key: an argument stays in the
// shell's history and in the process list.
type Options struct {
	FromStdin bool // the argument - was given

	dotenv, file     string
	keyFile          string
	expires          string
	expiresAt        time.Time // expires, parsed; zero for "" and "none"
	probe            string
	baseURL          string
	backup           string
	rollback         string // the file of an earlier --backup, whose key is put back
	undo             bool   // put the old key back if the rotation fails after the swap
	leaked           bool
	watch            []string
	replicas         int // how many there must be at least
	every, drainTime time.Duration
	timeout          time.Duration
	mock, revoke     bool
	yes              bool
}

// noExpiry is the value of --expires that takes the date out.
const noExpiry = "none"

// defaultDotEnv is the file to change if no flag names one.
const defaultDotEnv = ".env"

// AddFlags declares the flags.
func (o *Options) AddFlags(f *pflag.FlagSet) {
	f.StringVar(&o.dotenv, "dotenv", defaultDotEnv, "the `file` to change, and where the vendor's address may be")
	f.StringVar(&o.file, "file", "", "change this `file`, which holds the key alone or as a JSON object, instead of .env")
	f.StringVar(&o.keyFile, "key-file", "", "read the new key from this `file`; - is the standard input")
	f.StringVar(&o.expires, "expires", "", "when the new key expires, as a `date` or RFC 3339 time; `none` removes the stored date")
	f.StringVar(&o.probe, "probe", "", "try the new key with GET of this `path`")
	f.StringVar(&o.baseURL, "base-url", "", "the vendor's address, as `https://host` or with the path of a gateway, instead of its variable")
	f.StringVar(&o.backup, "backup", "", "keep the old content, with the old key in it, in this new `file`")
	f.StringVar(&o.rollback, "rollback", "", "put the key back that this `file` of an earlier --backup has")
	f.BoolVar(&o.undo, "rollback-on-failure", false, "if the rotation does not end well after the swap, put the old key back")
	f.BoolVar(&o.leaked, "leaked", false, "the current key leaked: revoke it first, and wait until it is refused")
	f.StringArrayVar(&o.watch, "watch", nil, "a service's `URL` of Keyring.Status() as JSON; all addresses of its host's name are asked; may be repeated")
	flagvalue.Int(f, &o.replicas, "replicas", 1, 100000, "with --watch: there must be at least this `number` of replicas")
	o.every, o.drainTime, o.timeout = 2*time.Second, 30*time.Second, 15*time.Minute
	flagvalue.Duration(f, &o.every, "watch-every", 1, 0, "the poll `interval`")
	flagvalue.Duration(f, &o.drainTime, "drain-time", 1, 0, "with --mock: how long the old key must have been idle, for example `30s`")
	flagvalue.Duration(f, &o.timeout, "timeout", 1, 0, "give up after this `time`, counted from when the new key has been read")
	f.BoolVar(&o.mock, "mock", false, "watch the use of the old key at the mock that --admin-url names")
	f.BoolVar(&o.revoke, "revoke", false, "with --mock: revoke the old key there once it is idle")
	f.BoolVarP(&o.yes, "yes", "y", false, "do not prompt")
}

// Check returns an error for flags that contradict each other, before anything is read. It
// repeats no value that could be a key.
func (o *Options) Check(v *vendors.Vendor, json bool) error {
	o.FromStdin = o.FromStdin || o.keyFile == "-"
	if err := o.checkWayBack(); err != nil {
		return err
	}
	switch {
	case json && !o.yes:
		return cli.Usagef("--json asks no questions, so it needs --yes")
	case o.FromStdin && o.keyFile != "" && o.keyFile != "-":
		return cli.Usagef("- and --key-file exclude each other")
	case o.revoke && !o.mock:
		return cli.Usagef("--revoke is for a mock (--mock): no vendor documents a call that revokes a key")
	case o.file != "" && v.Provider.EnvID != "":
		return cli.Usagef("a file that holds one key cannot hold the pair %s", v.Variables())
	case o.file != "" && o.expires != "" && !hasJSON(o.file):
		return cli.Usagef("--file holds a key and no date: --expires is for .env, and for a file that is a JSON object")
	}
	if o.replicas > 0 && len(o.watch) == 0 {
		return cli.Usagef("--replicas is for --watch")
	}
	for _, raw := range o.watch {
		if err := replica.CheckURL(raw); err != nil {
			return cli.Usagef("--watch %w", err)
		}
	}
	if o.probe != "" {
		switch err := v.CheckPath(o.probe); {
		case errors.Is(err, vendors.ErrCredential):
			return cli.Usagef("--probe holds a credential: leave it out, it is attached")
		case err != nil:
			return cli.Usagef("--probe %w", err)
		}
	}
	return o.parseExpires()
}

// checkWayBack returns an error for ways back that there cannot be.
func (o *Options) checkWayBack() error {
	switch {
	case o.rollback != "" && (o.FromStdin || o.keyFile != ""):
		return cli.Usagef("--rollback has the key in its file: leave out - and --key-file")
	case o.rollback != "" && o.expires != "":
		return cli.Usagef("--rollback has the key's date in its file: leave out --expires")
	case o.leaked && (o.rollback != "" || o.undo):
		return cli.Usagef("there is no way back to a key that leaked: leave out --rollback and --rollback-on-failure")
	case o.leaked && o.backup != "":
		return cli.Usagef("--backup would keep the key that leaked: leave it out")
	}
	return nil
}

func (o *Options) parseExpires() error {
	if o.expires == "" || o.expires == noExpiry {
		return nil
	}
	t, ok := rfc3339.Parse(o.expires)
	if !ok {
		return cli.Usagef("--expires is a date (2027-01-31), a time (2027-01-31T12:00:00Z) or none")
	}
	if o.expiresAt = t; t.Before(time.Now()) {
		return cli.Usagef("--expires is in the past")
	}
	return nil
}
