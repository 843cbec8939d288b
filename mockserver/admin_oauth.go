package mockserver

import (
	"errors"
	"net/http"
	"strings"
)

// clientView is an OAuth client. Only the response to its registration has the
// secret.
type clientView struct {
	OAuthClient
	Secret string `json:"secret,omitempty"`
}

// oauth returns the controls of a provider's authorization server; "" is iiniit.
func (call *adminCall) oauth(name Provider) (*OAuth, error) {
	if name == "" {
		name = Iiniit
	}
	p, err := call.srv.knownProvider(string(name))
	if err != nil {
		return nil, err
	}
	if o := call.ns.OAuthOf(p); o.v != nil {
		return o, nil
	}
	var with []string
	for _, v := range call.srv.vendors {
		if v.oauth != nil {
			with = append(with, string(v.provider))
		}
	}
	return nil, refused(http.StatusBadRequest, "%s has no authorization server; there are those of %s", p, strings.Join(with, ", "))
}

// oauthAsked is oauth of the provider that the query names.
func (call *adminCall) oauthAsked() (*OAuth, error) {
	return call.oauth(Provider(call.URL.Query().Get("provider")))
}

type clientBody struct {
	Provider     Provider `json:"provider" doc:"iiniit if absent"`
	Name         string   `json:"name"`
	RedirectURIs []string `json:"redirectUris" doc:"absolute, compared exactly"`
	Scopes       []string `json:"scopes"       doc:"of iiniit read:user if absent, else all of the API"`
	Public       bool     `json:"public"       doc:"without a secret; requires PKCE"`
}

func adminClients(c *adminCall) (any, error) {
	out := page[clientView]{Items: []clientView{}}
	oauth, err := c.oauthAsked()
	if err != nil {
		return nil, err
	}
	for _, client := range oauth.Clients() {
		out.Items = append(out.Items, clientView{OAuthClient: client})
	}
	return out, nil
}

func adminRegister(c *adminCall) (any, error) {
	var in clientBody
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	oauth, err := c.oauth(in.Provider)
	if err != nil {
		return nil, err
	}
	client, err := oauth.Register(OAuthClient{Name: in.Name, RedirectURIs: in.RedirectURIs, Scopes: in.Scopes, Public: in.Public})
	if err != nil {
		return nil, err
	}
	return clientView{client, client.Secret.Reveal()}, nil
}

func adminTokens(c *adminCall) (any, error) {
	out := page[Key]{Items: []Key{}}
	oauth, err := c.oauthAsked()
	if err != nil {
		return nil, err
	}
	out.Items = append(out.Items, oauth.Tokens()...)
	return out, nil
}

type tokensBody struct {
	Provider Provider `json:"provider" doc:"iiniit if absent"`
	Client   string   `json:"client"   required:"true" doc:"its ID"`
	User     string   `json:"user"     doc:"user001 if absent"`
	Scopes   []string `json:"scopes"   doc:"the client's if absent"`
}

type tokensView struct {
	Access  issuedView `json:"access"`
	Refresh issuedView `json:"refresh"`
}

func adminIssueTokens(c *adminCall) (any, error) {
	in := tokensBody{User: "user001"}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	oauth, err := c.oauth(in.Provider)
	if err != nil {
		return nil, err
	}
	t, err := oauth.Issue(in.Client, in.User, in.Scopes...)
	if errors.Is(err, ErrNoClient) {
		return nil, refused(http.StatusNotFound, "no such OAuth client; POST …/oauth/clients registers one")
	}
	if err != nil {
		return nil, err
	}
	return tokensView{viewIssued(t.Access), viewIssued(t.Refresh)}, nil
}

type approveBody struct {
	Provider Provider `json:"provider" doc:"iiniit if absent"`
	User     string   `json:"user"     doc:"who approves; user001 if absent"`
	Scopes   []string `json:"scopes"   doc:"of the requested ones; all if absent"`
	Deny     bool     `json:"deny"     doc:"refuse instead"`
}

func adminApproveNext(c *adminCall) (any, error) {
	in := approveBody{User: "user001"}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	oauth, err := c.oauth(in.Provider)
	if err != nil {
		return nil, err
	}
	if in.Deny {
		oauth.DenyNext()
	} else {
		oauth.ApproveNext(in.User, in.Scopes...)
	}
	return statusView{"queued"}, nil
}

type expireAllBody struct {
	Provider Provider  `json:"provider" doc:"iiniit if absent"`
	Kinds    []KeyKind `json:"kinds" doc:"of bearer, refresh and code; all three if absent"`
}

func adminExpireAll(c *adminCall) (any, error) {
	in := expireAllBody{}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	for _, k := range in.Kinds {
		if k != KindBearer && k != KindRefresh && k != KindCode {
			return nil, refused(http.StatusBadRequest, "kinds: of bearer, refresh, code")
		}
	}
	oauth, err := c.oauth(in.Provider)
	if err != nil {
		return nil, err
	}
	return endedView{oauth.ExpireAll(in.Kinds...)}, nil
}

type endedView struct {
	Ended int `json:"ended"`
}

func adminCallbacks(c *adminCall) (any, error) {
	return page[Callback]{Items: append([]Callback{}, c.ns.Callbacks()...)}, nil
}
