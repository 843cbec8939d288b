package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/mockserver"
)

func (a *app) keysCommand() *cobra.Command {
	cmd := group(&cobra.Command{Use: "keys", Short: "Issue, list, show, rotate, revoke and expire keys"})
	cmd.AddCommand(a.keysIssue(), a.keysList(), a.keysShow(), a.keysRotate(),
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
}

func (a *app) keysIssue() *cobra.Command {
	var in issueRequest
	var limit, user string
	var scopes []string
	var bearer, quiet bool
	cmd := &cobra.Command{
		Use: "issue PROVIDER", Short: "Issue a key; its value is printed once and cannot be shown again",
		Args: exactly("PROVIDER"), ValidArgsFunction: providerArgs,
		Example: "  keyfit keys issue mindkey --name ci --scope Employee --expires-in 30d\n" +
			"  keyfit keys issue imkit --limit 3/1m\n  keyfit keys issue imkit --client-key user001",
	}
	f := cmd.Flags()
	f.StringVar(&in.Name, "name", "", "its name")
	f.StringVar(&in.Contact, "contact", "", "the `e-mail` address of its contact (Optimove)")
	f.StringSliceVar(&scopes, "scope", nil, "its scopes (MindKey, OAuth; default every documented one)")
	f.StringVar(&in.Access, "access", "", "its access type: Admin, Integrations or Transactional (Optimove)")
	f.StringVar(&in.ExpiresIn, "expires-in", "", "how long it lives, as `24h` or 365d; a successor lives as long")
	f.StringVar(&in.ExpiresAt, "expires-at", "", "the `time` when it expires; a successor expires then too")
	f.StringVar(&limit, "limit", "", "its own rate limit, as `3/1m` or 50/10s:sliding; 0 is none")
	f.StringVar(&user, "client-key", "", "issue a client key, with a token of this `user` (IMKIT)")
	f.BoolVar(&bearer, "bearer", false, "issue an OAuth access token (iiniit)")
	f.BoolVarP(&quiet, "quiet", "q", false, "print only the value")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var err error
		if in.Provider, err = parseProvider(args[0]); err != nil {
			return err
		}
		if f.Changed("scope") {
			in.Scopes = &scopes
		}
		if limit != "" {
			if in.Limit, err = parseLimit(limit); err != nil {
				return err
			}
		}
		switch {
		case user != "" && bearer:
			return cli.Usagef("--client-key and --bearer exclude each other")
		case user != "":
			in.Kind, in.User = string(mockserver.KindPair), user
		case bearer:
			in.Kind = string(mockserver.KindBearer)
		}
		var out issuedKey
		if err := a.do(cmd.Context(), http.MethodPost, a.ns("keys"), in, &out); err != nil {
			return err
		}
		return a.printIssued(&out, quiet)
	}
	return cmd
}

// parseLimit reads "3/1m", "50/10s:sliding" or "0".
func parseLimit(s string) (*mockserver.Limit, error) {
	wrong := cli.Usagef("--limit %q is not of the form 3/1m, 50/10s:sliding or 0", s)
	rest, kind, _ := strings.Cut(s, ":")
	var l mockserver.Limit
	if l.Kind.UnmarshalText([]byte(kind)) != nil {
		return nil, wrong
	}
	count, per, ok := strings.Cut(rest, "/")
	var err error
	if l.Requests, err = strconv.Atoi(count); err != nil || l.Requests < 0 || ok != (l.Requests > 0) {
		return nil, wrong
	}
	if ok {
		d, err := mockserver.ParseDuration(per)
		if err != nil || d <= 0 {
			return nil, wrong
		}
		var limit mockserver.Limit
		limit.Requests, limit.Kind = l.Requests, l.Kind
		limit.Per = d.Std()
		return &limit, nil
	}
	return &l, nil
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
	_, err := fmt.Fprintln(a.Err, "keyfit: the value is printed once and cannot be shown again; the mock keeps a hash of it")
	return err
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
	var provider, status, kind, name, unused string
	cmd := &cobra.Command{Use: "list", Short: "List keys", Args: exactly()}
	f := cmd.Flags()
	f.StringVar(&provider, "provider", "", "only keys of this provider")
	f.StringVar(&status, "status", "", "only keys of this `status`: active, expiring, rotating, expired or revoked")
	f.StringVar(&kind, "kind", "", "only keys of this `kind`: key, pair, token or bearer")
	f.StringVar(&name, "name", "", "only keys of this name")
	f.StringVar(&unused, "unused-since", "", "only keys not used since this `time`")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		for k, v := range map[string]string{"provider": provider, "status": status, "kind": kind, "name": name, "unused_since": unused} {
			if v != "" {
				query.Set(k, v)
			}
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

func (a *app) keysShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show a key, without its value", Args: exactly("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var k mockserver.Key
			if err := a.do(cmd.Context(), http.MethodGet, a.ns("keys", args[0]), nil, &k); err != nil {
				return err
			}
			return a.Print(k, func(w io.Writer) { keyDetails(w, &k) })
		},
	}
}

func (a *app) keysRotate() *cobra.Command {
	var overlap string
	var quiet bool
	cmd := &cobra.Command{
		Use: "rotate ID", Short: "Issue a successor of a key; both are valid during the overlap", Args: exactly("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var out issuedKey
			in := map[string]string{"overlap": overlap}
			if err := a.do(cmd.Context(), http.MethodPost, a.ns("keys", args[0], "rotate"), in, &out); err != nil {
				return err
			}
			return a.printIssued(&out, quiet)
		},
	}
	cmd.Flags().StringVar(&overlap, "overlap", "0s", "how long the old key stays valid, as `24h` or 7d")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "print only the value")
	return cmd
}

func (a *app) keysEnd(verb, short string) *cobra.Command {
	in := map[string]string{}
	var reason string
	cmd := &cobra.Command{
		Use: verb + " ID", Short: short, Args: exactly("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason != "" {
				in["reason"] = reason
			}
			var k mockserver.Key
			if err := a.do(cmd.Context(), http.MethodPost, a.ns("keys", args[0], verb), in, &k); err != nil {
				return err
			}
			return a.Print(k, func(w io.Writer) { keyDetails(w, &k) })
		},
	}
	if verb == "revoke" {
		cmd.Flags().StringVar(&reason, "reason", "", "the reason, for the record")
	}
	return cmd
}
