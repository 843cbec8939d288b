package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/flagvalue"
	"github.com/keyfit/keyfit/mockserver"
)

func (a *app) keysCommand() *cobra.Command {
	cmd := group(&cobra.Command{Use: "keys", Short: "Issue, list, show, rotate, suspend, enable, revoke and expire keys"})
	cmd.AddCommand(a.keysIssue(), a.keysList(), a.keysShow(), a.keysRotate(),
		a.keysEnd("suspend", "Suspend a key until it is enabled again"), a.keysEnd("enable", "Enable a suspended key"),
		a.keysEnd("revoke", "Revoke a key at once"), a.keysEnd("expire", "Let a key expire now"))
	return a.withAdmin(cmd)
}

// issuedKey is a key with its value.
type issuedKey struct {
	mockserver.Key
	Secret  string            `json:"secret"`
	Token   string            `json:"token,omitempty"`
	Headers map[string]string `json:"headers"`
}

// issueRequest is the body of a request for a new key.
type issueRequest struct {
	Provider  mockserver.Provider `json:"provider"`
	Kind      string              `json:"kind,omitempty"`
	Name      string              `json:"name,omitempty"`
	Contact   string              `json:"contact,omitempty"`
	Scopes    *[]string           `json:"scopes,omitempty"`
	Access    string              `json:"access,omitempty"`
	User      string              `json:"user,omitempty"`
	ExpiresIn string              `json:"expiresIn,omitempty"`
	ExpiresAt string              `json:"expiresAt,omitempty"`
	Limit     *mockserver.Limit   `json:"limit,omitempty"`
	Raw       string              `json:"raw,omitempty"`

	Attributes []string `json:"attributes,omitempty"`
	Channels   []int    `json:"channels,omitempty"`
}

// issueFlags are the flags of a new key.
type issueFlags struct {
	in            issueRequest
	expiresIn     time.Duration
	expiresAt     time.Time
	scopes        []string
	channels      []string
	user, raw     string
	bearer, quiet bool
}

func (a *app) keysIssue() *cobra.Command {
	var in issueFlags
	cmd := &cobra.Command{
		Use: "issue PROVIDER", Short: "Issue a key; its value is printed once and cannot be shown again",
		Args: exactly("PROVIDER"), ValidArgsFunction: providerArgs,
		Example: "  keyfit keys issue mindkey --name ci --scope Employee --expires-in 30d\n" +
			"  keyfit keys issue imkit --limit 3/1m\n  keyfit keys issue imkit --client-key user001",
	}
	in.add(cmd.Flags())
	_ = cmd.RegisterFlagCompletionFunc("scope", scopeFlag) // fails on a wrong name only
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		request, err := in.request(a, args[0], cmd.Flags().Changed)
		if err != nil {
			return err
		}
		var out issuedKey
		if err := a.do(cmd.Context(), http.MethodPost, a.ns("keys"), request, &out); err != nil {
			return err
		}
		return a.printIssued(&out, in.quiet)
	}
	return cmd
}

// add declares the flags.
func (in *issueFlags) add(f *pflag.FlagSet) {
	f.StringVar(&in.in.Name, "name", "", "its name")
	f.StringVar(&in.in.Contact, "contact", "", "the `e-mail` address of its contact (Optimove)")
	f.StringSliceVar(&in.scopes, "scope", nil, "its `scopes` (MindKey, OAuth; default every documented one)")
	flagvalue.Choice(f, &in.in.Access, "access", names(accessTypes()), "its access `type`: Admin, Integrations or Transactional (Optimove)")
	f.StringSliceVar(&in.in.Attributes, "attributes", nil, "the customer attributes, as `Age,City`, that it can read (Optimove; default all)")
	f.StringSliceVar(&in.channels, "channels", nil, "the execution channels, as `504,505`, that it can use (Optimove; default all)")
	flagvalue.Duration(f, &in.expiresIn, "expires-in", 1, 0, "how long it lives, as `24h` or 365d; a successor lives as long")
	flagvalue.Time(f, &in.expiresAt, "expires-at", "the `time` or date when it expires; a successor expires then too")
	f.Var(&limitValue{to: &in.in.Limit}, "limit", "its own rate limit, as `3/1m` or 50/10s:sliding; 0 is none")
	f.StringVar(&in.user, "client-key", "", "issue a client key, with a token of this `user` (IMKIT)")
	f.BoolVar(&in.bearer, "bearer", false, "issue an OAuth access token (iiniit)")
	f.StringVar(&in.raw, "raw", "", "import this `value` of a test fixture instead of making one, - reads it from the standard input; never a production key")
	f.BoolVarP(&in.quiet, "quiet", "q", false, "print only the value")
}

func accessTypes() []mockserver.AccessType {
	return []mockserver.AccessType{mockserver.Admin, mockserver.Integrations, mockserver.Transactional}
}

// request puts the body of the request together. given reports whether a flag was given.
func (in *issueFlags) request(a *app, provider string, given func(flag string) bool) (*issueRequest, error) {
	out := &in.in
	var err error
	if out.Provider, err = parseProvider(provider); err != nil {
		return nil, err
	}
	if given("scope") {
		out.Scopes = &in.scopes
	}
	if given("expires-in") {
		out.ExpiresIn = mockserver.Duration(in.expiresIn).String()
	}
	if given("expires-at") {
		out.ExpiresAt = in.expiresAt.Format(time.RFC3339)
	}
	for _, text := range in.channels {
		n, err := flagvalue.ParseInt(strings.TrimSpace(text), 0, math.MaxInt32)
		if err != nil {
			return nil, cli.At("--channels", err)
		}
		out.Channels = append(out.Channels, int(n))
	}
	if out.Raw, err = a.rawValue(in.raw); err != nil {
		return nil, err
	}
	switch {
	case given("expires-in") && given("expires-at"):
		return nil, cli.Usagef("--expires-in and --expires-at exclude each other")
	case in.user != "" && in.bearer:
		return nil, cli.Usagef("--client-key and --bearer exclude each other")
	case in.user != "" && out.Provider != mockserver.IMKIT:
		return nil, cli.Usagef("--client-key is for imkit, not for %s", out.Provider)
	case in.bearer && out.Provider != mockserver.Iiniit:
		return nil, cli.Usagef("--bearer is for iiniit, not for %s", out.Provider)
	case in.user != "":
		out.Kind, out.User = string(mockserver.KindPair), in.user
	case in.bearer:
		out.Kind = string(mockserver.KindBearer)
	}
	return out, nil
}

// rawValue is the value of --raw, or the first line of the standard input for "-".
func (a *app) rawValue(given string) (string, error) {
	if given != "-" {
		return given, nil
	}
	data, err := a.readText(given)
	if err != nil {
		return "", fmt.Errorf("--raw -: the standard input: %w", err)
	}
	value := strings.TrimSpace(string(data))
	if value == "" || strings.ContainsAny(value, "\r\n") {
		return "", errors.New("--raw -: the standard input must hold one line, the value")
	}
	return value, nil
}

// limitValue is the flag --limit.
type limitValue struct {
	to   **mockserver.Limit
	text string
}

func (v *limitValue) String() string { return v.text }
func (v *limitValue) Type() string   { return "limit" }

func (v *limitValue) Set(text string) error {
	l, ok := parseLimit(text)
	if !ok {
		return &cli.ValueError{Value: text, Want: "a limit such as 3/1m, 50/10s:sliding or 0"}
	}
	*v.to, v.text = l, text
	return nil
}

// parseLimit reads "3/1m", "50/10s:sliding" or "0".
func parseLimit(s string) (*mockserver.Limit, bool) {
	rest, kind, _ := strings.Cut(s, ":")
	var l mockserver.Limit
	if l.Kind.UnmarshalText([]byte(kind)) != nil {
		return nil, false
	}
	count, per, ok := strings.Cut(rest, "/")
	var err error
	if l.Requests, err = strconv.Atoi(count); err != nil || l.Requests < 0 || ok != (l.Requests > 0) {
		return nil, false
	}
	if ok {
		d, err := mockserver.ParseDuration(per)
		if err != nil || d <= 0 {
			return nil, false
		}
		l.Per = d.Std()
	}
	return &l, true
}

func (a *app) printIssued(k *issuedKey, quiet bool) error {
	if quiet && !a.JSON {
		_, err := fmt.Fprintln(a.Out, strings.TrimSpace(k.Secret+"\n"+k.Token))
		return err
	}
	if err := a.Print(k, func(w io.Writer) {
		keyDetails(w, &k.Key)
		for name, value := range k.Headers {
			_, _ = fmt.Fprintf(w, "%-12s %s\n", "header", cli.Line(name+": "+value))
		}
		if len(k.Headers) == 0 {
			_, _ = fmt.Fprintf(w, "%-12s %s\n", "value", cli.Line(k.Secret))
		}
	}); err != nil || a.JSON {
		return err
	}
	a.Notice("the value is printed once and cannot be shown again; the mock keeps a hash of it")
	return nil
}

func keyDetails(w io.Writer, k *mockserver.Key) {
	limit := ""
	if k.Limit != nil {
		limit = "none"
		if k.Limit.Requests > 0 {
			limit = fmt.Sprintf("%d per %s, %s", k.Limit.Requests, mockserver.Duration(k.Limit.Per), k.Limit.Kind)
		}
	}
	expires := cli.Time(k.Expires)
	if expires == "" {
		expires = "never"
	}
	for _, row := range [][2]string{
		{"id", k.ID},
		{"provider", string(k.Provider)},
		{"kind", string(k.Kind)},
		{"name", k.Name},
		{"status", string(k.Status)},
		{"fingerprint", k.Fingerprint},
		{"scopes", strings.Join(k.Scopes, " ")},
		{"access", string(k.Access)},
		{"contact", k.Contact},
		{"user", k.User},
		{"limit", limit},
		{"created", cli.Time(k.Created)},
		{"expires", expires},
		{"last used", cli.Time(k.LastUsed)},
		{"revoked", cli.Time(k.Revoked)},
		{"reason", k.RevokeReason},
		{"replaces", k.Replaces},
		{"replaced by", k.ReplacedBy},
	} {
		if row[1] != "" {
			_, _ = fmt.Fprintf(w, "%-12s %s\n", row[0], cli.Line(row[1]))
		}
	}
}

func (a *app) keysList() *cobra.Command {
	query := url.Values{}
	var provider mockserver.Provider
	var status mockserver.KeyStatus
	var kind mockserver.KeyKind
	var name string
	var unused time.Time
	cmd := &cobra.Command{Use: "list", Short: "List keys", Args: exactly()}
	f := cmd.Flags()
	flagvalue.Choice(f, &provider, "provider", mockserver.Providers(), "only keys of this `provider`")
	flagvalue.Choice(f, &status, "status", keyStatuses(), "only keys of this `status`: "+cli.List(names(keyStatuses())))
	flagvalue.Choice(f, &kind, "kind", keyKinds(), "only keys of this `kind`: "+cli.List(names(keyKinds())))
	f.StringVar(&name, "name", "", "only keys of this `name`")
	flagvalue.Time(f, &unused, "unused-since", "only keys not used since this `time` or date")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		for k, v := range map[string]string{"provider": string(provider), "status": string(status), "kind": string(kind), "name": name} {
			if v != "" {
				query.Set(k, v)
			}
		}
		if !unused.IsZero() {
			query.Set("unused_since", unused.Format(time.RFC3339))
		}
		keys, err := list[mockserver.Key](cmd.Context(), a, a.ns("keys"), query, 0)
		if err != nil {
			return err
		}
		return a.Print(keys, func(w io.Writer) {
			rows := make([][]string, 0, len(keys))
			for _, k := range keys {
				rows = append(rows, []string{k.ID, string(k.Provider), string(k.Kind), k.Name, string(k.Status), k.Fingerprint, cli.Time(k.Expires), cli.Time(k.LastUsed)})
			}
			cli.Table(w, "id\tprovider\tkind\tname\tstatus\tfingerprint\texpires\tlast used", rows)
		})
	}
	return cmd
}

// keyStatuses are the states of a key, as the mock lists them.
func keyStatuses() []mockserver.KeyStatus {
	return []mockserver.KeyStatus{
		mockserver.StatusActive, mockserver.StatusExpiring, mockserver.StatusRotating, mockserver.StatusExpired, mockserver.StatusRevoked,
	}
}

// keyKinds are the kinds of keys, those of OAuth last.
func keyKinds() []mockserver.KeyKind {
	return []mockserver.KeyKind{
		mockserver.KindKey, mockserver.KindPair, mockserver.KindToken, mockserver.KindBearer,
		mockserver.KindClient, mockserver.KindCode, mockserver.KindRefresh,
	}
}

// names are values as text.
func names[T ~string](values []T) []string {
	out := make([]string, 0, len(values))
	for _, v := range values {
		out = append(out, string(v))
	}
	return out
}

func (a *app) keysShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show a key, without its value", Args: exactly("ID"), ValidArgsFunction: a.keyArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			var k mockserver.Key
			if err := a.do(cmd.Context(), http.MethodGet, a.ns("keys", args[0]), nil, &k); err != nil {
				return a.nearKey(cmd.Context(), args[0], err)
			}
			return a.Print(k, func(w io.Writer) { keyDetails(w, &k) })
		},
	}
}

// nearKey adds the ID that was probably meant to the error for a key that does not exist.
func (a *app) nearKey(ctx context.Context, id string, err error) error {
	return nearestOf(ctx, a, err, id, func(k mockserver.Key) string { return k.ID }, "keys")
}

func (a *app) keysRotate() *cobra.Command {
	var overlap time.Duration
	var quiet bool
	cmd := &cobra.Command{
		Use: "rotate ID", Short: "Issue a successor of a key; both are valid during the overlap", Args: exactly("ID"), ValidArgsFunction: a.keyArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			var out issuedKey
			in := map[string]any{"overlap": mockserver.Duration(overlap)}
			if err := a.do(cmd.Context(), http.MethodPost, a.ns("keys", args[0], "rotate"), in, &out); err != nil {
				return a.nearKey(cmd.Context(), args[0], err)
			}
			return a.printIssued(&out, quiet)
		},
	}
	flagvalue.Duration(cmd.Flags(), &overlap, "overlap", 0, 0, "how long the old key stays valid, as `24h` or 7d (default not at all)")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "print only the value")
	return cmd
}

func (a *app) keysEnd(verb, short string) *cobra.Command {
	in := map[string]string{}
	var reason string
	cmd := &cobra.Command{
		Use: verb + " ID", Short: short, Args: exactly("ID"), ValidArgsFunction: a.keyArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason != "" {
				in["reason"] = reason
			}
			var k mockserver.Key
			if err := a.do(cmd.Context(), http.MethodPost, a.ns("keys", args[0], verb), in, &k); err != nil {
				return a.nearKey(cmd.Context(), args[0], err)
			}
			return a.Print(k, func(w io.Writer) { keyDetails(w, &k) })
		},
	}
	if verb == "revoke" {
		cmd.Flags().StringVar(&reason, "reason", "", "the reason, for the record")
	}
	return cmd
}
