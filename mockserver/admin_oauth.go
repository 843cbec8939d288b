package mockserver

import (
	"errors"
	"net/http"
)

// clientView is an OAuth client. Only the response to its registration has the
// secret.
type clientView struct {
	OAuthClient
	Secret string `json:"secret,omitempty"`
}

type clientBody struct {
	Name         string   `json:"name"`
	RedirectURIs []string `json:"redirectUris" doc:"absolute, compared exactly"`
	Scopes       []string `json:"scopes"       doc:"read:user if absent"`
	Public       bool     `json:"public"       doc:"without a secret; requires PKCE"`
}

func adminClients(c *adminCall) (any, error) {
	out := page[clientView]{Items: []clientView{}}
	for _, client := range c.ns.OAuth().Clients() {
		out.Items = append(out.Items, clientView{OAuthClient: client})
	}
	return out, nil
}

func adminRegister(c *adminCall) (any, error) {
	var in clientBody
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	client, err := c.ns.OAuth().Register(OAuthClient{Name: in.Name, RedirectURIs: in.RedirectURIs, Scopes: in.Scopes, Public: in.Public})
	if err != nil {
		return nil, err
	}
	return clientView{client, client.Secret.Reveal()}, nil
}

func adminTokens(c *adminCall) (any, error) {
	out := page[Key]{Items: []Key{}}
	out.Items = append(out.Items, c.ns.OAuth().Tokens()...)
	return out, nil
}

type tokensBody struct {
	Client string   `json:"client" required:"true" doc:"its ID"`
	User   string   `json:"user"   doc:"user001 if absent"`
	Scopes []string `json:"scopes" doc:"the client's if absent"`
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
	t, err := c.ns.OAuth().Issue(in.Client, in.User, in.Scopes...)
	if errors.Is(err, ErrNoClient) {
		return nil, refused(http.StatusNotFound, "no such OAuth client; POST …/oauth/clients registers one")
	}
	if err != nil {
		return nil, err
	}
	return tokensView{viewIssued(t.Access), viewIssued(t.Refresh)}, nil
}

type approveBody struct {
	User   string   `json:"user"   doc:"who approves; user001 if absent"`
	Scopes []string `json:"scopes" doc:"of the requested ones; all if absent"`
	Deny   bool     `json:"deny"   doc:"refuse instead"`
}

func adminApproveNext(c *adminCall) (any, error) {
	in := approveBody{User: "user001"}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if in.Deny {
		c.ns.OAuth().DenyNext()
	} else {
		c.ns.OAuth().ApproveNext(in.User, in.Scopes...)
	}
	return statusView{"queued"}, nil
}

type expireAllBody struct {
	Kinds []KeyKind `json:"kinds" doc:"of bearer, refresh and code; all three if absent"`
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
	return endedView{c.ns.OAuth().ExpireAll(in.Kinds...)}, nil
}

type endedView struct {
	Ended int `json:"ended"`
}

func adminCallbacks(c *adminCall) (any, error) {
	return page[Callback]{Items: append([]Callback{}, c.ns.Callbacks()...)}, nil
}
