package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/admin"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/mockserver"
)

func (a *app) oauthCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use: "oauth", Short: "Register clients of an OAuth server, approve or deny authorizations, expire tokens",
		Long: `iiniit's mock is an OAuth 2.0 authorization server, and so is an API of one's own
that has one (docs/anyapi.md). Clients and tokens are keys too: keyfit keys rotate and
keyfit keys revoke take their key IDs.`,
	})
	var of mockserver.Provider
	for _, command := range []func(*mockserver.Provider) *cobra.Command{a.oauthRegister, a.oauthClients, a.oauthTokens, a.oauthIssue, a.oauthApprove, a.oauthDeny, a.oauthExpire} {
		c := command(&of)
		a.providerFlag(c, &of, "the `provider` whose server it is (default iiniit)")
		cmd.AddCommand(c)
	}
	return a.withAdmin(cmd)
}

// oauthList is the path of a list of a provider's authorization server.
func (a *app) oauthList(name string, of mockserver.Provider) string {
	path := a.ns("oauth", name)
	if of != "" {
		path += "?provider=" + url.QueryEscape(string(of))
	}
	return path
}

// registered is a client. Only the answer to its registration has its secret.
type registered struct {
	mockserver.OAuthClient
	Secret string `json:"secret,omitempty"`
}

func (a *app) oauthRegister(of *mockserver.Provider) *cobra.Command {
	var in struct {
		Provider     mockserver.Provider `json:"provider,omitempty"`
		Name         string              `json:"name,omitempty"`
		RedirectURIs []string            `json:"redirectUris,omitempty"`
		Scopes       []string            `json:"scopes,omitempty"`
		Public       bool                `json:"public,omitempty"`
	}
	cmd := &cobra.Command{
		Use: "register", Short: "Register a client; its secret is printed once and cannot be shown again", Args: exactly(),
		Example: "  keyfit oauth register --name app --redirect-uri http://localhost:8080/cb",
	}
	f := cmd.Flags()
	f.StringVar(&in.Name, "name", "", "its name")
	f.StringArrayVar(&in.RedirectURIs, "redirect-uri", nil, "an absolute `URL`, compared exactly; may be repeated")
	f.StringSliceVar(&in.Scopes, "scope", nil, "its scopes (default iiniit's read:user, or all of the API)")
	f.BoolVar(&in.Public, "public", false, "register it without a secret: PKCE is required")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var out registered
		in.Provider = *of
		if err := a.do(cmd.Context(), http.MethodPost, a.ns("oauth", "clients"), in, &out); err != nil {
			return err
		}
		return a.Print(out, func(w io.Writer) {
			for _, row := range [][2]string{
				{"client", out.ID},
				{"secret", out.Secret},
				{"key", out.KeyID},
				{"name", out.Name},
				{"redirects", strings.Join(out.RedirectURIs, " ")},
				{"scopes", strings.Join(out.Scopes, " ")},
			} {
				if row[1] != "" {
					_, _ = fmt.Fprintf(w, "%-10s %s\n", row[0], cli.Line(row[1]))
				}
			}
		})
	}
	return cmd
}

func (a *app) oauthClients(of *mockserver.Provider) *cobra.Command {
	return &cobra.Command{
		Use: "clients", Short: "List clients, without their secrets", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var out admin.Page[mockserver.OAuthClient]
			if err := a.do(cmd.Context(), http.MethodGet, a.oauthList("clients", *of), nil, &out); err != nil {
				return err
			}
			return a.Print(out.Items, func(w io.Writer) {
				rows := make([][]string, 0, len(out.Items))
				for _, c := range out.Items {
					kind := "confidential"
					if c.Public {
						kind = "public"
					}
					rows = append(rows, []string{c.ID, c.KeyID, c.Name, kind, strings.Join(c.Scopes, " "), strings.Join(c.RedirectURIs, " ")})
				}
				cli.Table(w, "client\tkey\tname\tkind\tscopes\tredirects", rows)
			})
		},
	}
}

func (a *app) oauthTokens(of *mockserver.Provider) *cobra.Command {
	return &cobra.Command{
		Use: "tokens", Short: "List codes, access and refresh tokens, without their values", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var out admin.Page[mockserver.Key]
			if err := a.do(cmd.Context(), http.MethodGet, a.oauthList("tokens", *of), nil, &out); err != nil {
				return err
			}
			return a.Print(out.Items, func(w io.Writer) {
				rows := make([][]string, 0, len(out.Items))
				for _, k := range out.Items {
					rows = append(rows, []string{k.ID, string(k.Kind), k.User, string(k.Status), strings.Join(k.Scopes, " "), cli.Time(k.Expires)})
				}
				cli.Table(w, "id\tkind\tuser\tstatus\tscopes\texpires", rows)
			})
		},
	}
}

// consent is the body of a request that grants or denies access in the name of a user.
type consent struct {
	Provider mockserver.Provider `json:"provider,omitempty"`
	Client   string              `json:"client,omitempty"`
	User     string              `json:"user,omitempty"`
	Scopes   []string            `json:"scopes,omitempty"`
	Deny     bool                `json:"deny,omitempty"`
}

func (a *app) oauthIssue(of *mockserver.Provider) *cobra.Command {
	var in consent
	cmd := &cobra.Command{
		Use: "issue CLIENT", Short: "Issue an access and a refresh token; their values are printed once and cannot be shown again", Args: exactly("CLIENT"), ValidArgsFunction: a.clientArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			in.Provider, in.Client = *of, args[0]
			var out struct {
				Access  issuedKey `json:"access"`
				Refresh issuedKey `json:"refresh"`
			}
			if err := a.do(cmd.Context(), http.MethodPost, a.ns("oauth", "tokens"), in, &out); err != nil {
				return err
			}
			return a.Print(out, func(w io.Writer) {
				_, _ = fmt.Fprintf(w, "access  %s %s\nrefresh %s %s\n", cli.Line(out.Access.ID), cli.Line(out.Access.Secret), cli.Line(out.Refresh.ID), cli.Line(out.Refresh.Secret))
			})
		},
	}
	cmd.Flags().StringVar(&in.User, "user", "", "the user (default user001)")
	cmd.Flags().StringSliceVar(&in.Scopes, "scope", nil, "their scopes (default the client's)")
	return cmd
}

// answerNext sets what the user answers to the next authorization request, and prints text.
func (a *app) answerNext(cmd *cobra.Command, in consent, text string) error {
	var out struct {
		Status string `json:"status"`
	}
	if err := a.do(cmd.Context(), http.MethodPost, a.ns("oauth", "approve-next"), in, &out); err != nil {
		return err
	}
	return a.Print(out, func(w io.Writer) { _, _ = fmt.Fprintln(w, text) })
}

func (a *app) oauthApprove(of *mockserver.Provider) *cobra.Command {
	var in consent
	cmd := &cobra.Command{
		Use: "approve [USER]", Short: "Let a user (default user001) approve the next authorization", Args: between(0, "USER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				in.User = args[0]
			}
			in.Provider = *of
			return a.answerNext(cmd, in, "the next authorization is approved")
		},
	}
	cmd.Flags().StringSliceVar(&in.Scopes, "scope", nil, "approve only these scopes (default all that are asked for)")
	return cmd
}

func (a *app) oauthDeny(of *mockserver.Provider) *cobra.Command {
	return &cobra.Command{
		Use: "deny", Short: "Let the user refuse the next authorization", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.answerNext(cmd, consent{Provider: *of, Deny: true}, "the next authorization is denied")
		},
	}
}

func (a *app) oauthExpire(of *mockserver.Provider) *cobra.Command {
	kinds := []cobra.Completion{string(mockserver.KindBearer), string(mockserver.KindRefresh), string(mockserver.KindCode)}
	return &cobra.Command{
		Use: "expire [KIND...]", Short: "Let all bearer tokens, refresh tokens and codes expire, or those of some kinds", ValidArgs: kinds,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, kind := range args {
				if !slices.Contains(kinds, kind) {
					return cli.UsageError{Err: cli.Unknown("KIND", kind, kinds)}
				}
			}
			var out struct {
				Ended int `json:"ended"`
			}
			in := map[string]any{}
			if len(args) > 0 {
				in["kinds"] = args
			}
			if *of != "" {
				in["provider"] = *of
			}
			if err := a.do(cmd.Context(), http.MethodPost, a.ns("oauth", "expire-all"), in, &out); err != nil {
				return err
			}
			return a.Print(out, func(w io.Writer) { _, _ = fmt.Fprintf(w, "%d expired\n", out.Ended) })
		},
	}
}
