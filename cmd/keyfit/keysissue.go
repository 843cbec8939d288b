package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/flagvalue"
	"github.com/keyfit/keyfit/mockserver"
)

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
		Args: exactly("PROVIDER"), ValidArgsFunction: a.providerArgs,
		Example: "  keyfit keys issue mindkey --name ci --scope Employee --expires-in 30d\n" +
			"  keyfit keys issue imkit --limit 3/1m\n  keyfit keys issue imkit --client-key user001",
	}
	in.add(cmd.Flags())
	_ = cmd.RegisterFlagCompletionFunc("scope", scopeFlag) // fails on a wrong name only
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		request, err := in.request(cmd.Context(), a, args[0], cmd.Flags().Changed)
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
	f.Var(&accessValue{&in.in.Access}, "access", "its access `type`: Admin, Integrations or Transactional (Optimove), or one of an API of your own")
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

// accessValue is the flag --access. An API of one's own has access types that only the mock
// knows.
type accessValue struct{ to *string }

func (v *accessValue) String() string  { return *v.to }
func (v *accessValue) Type() string    { return "string" }
func (v *accessValue) Names() []string { return names(accessTypes()) }

func (v *accessValue) Set(text string) error {
	if strings.TrimSpace(text) == "" {
		return cli.Unknown("", text, v.Names())
	}
	*v.to = text
	return nil
}

// request puts the body of the request together. given reports whether a flag was given.
func (in *issueFlags) request(ctx context.Context, a *app, provider string, given func(flag string) bool) (*issueRequest, error) {
	out := &in.in
	var err error
	if out.Provider, err = a.provider(ctx, provider); err != nil {
		return nil, err
	}
	if given("access") && slices.Contains(mockserver.Providers(), out.Provider) {
		if out.Access, err = flagvalue.Find(out.Access, names(accessTypes())); err != nil {
			return nil, cli.At("--access", err)
		}
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
