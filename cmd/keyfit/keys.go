package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

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
	a.providerFlag(cmd, &provider, "only keys of this `provider`")
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
		mockserver.StatusActive, mockserver.StatusExpiring, mockserver.StatusRotating, mockserver.StatusSuspended, mockserver.StatusExpired, mockserver.StatusRevoked,
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
