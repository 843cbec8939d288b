package mockserver

import (
	"net/http"
	"net/url"
	"slices"
)

// issueBody is the body of POST …/keys: the options of Keys.Issue as data.
type issueBody struct {
	Provider  Provider   `json:"provider" required:"true"`
	Kind      KeyKind    `json:"kind"      doc:"key if absent; pair is IMKIT's client key with a user token, bearer iiniit's OAuth token"`
	Name      string     `json:"name"`
	Contact   string     `json:"contact"`
	Scopes    []string   `json:"scopes"    doc:"absent: every documented scope"`
	Access    AccessType `json:"access"    doc:"Optimove only; Admin if absent"`
	User      string     `json:"user"      doc:"of a pair"`
	ExpiresIn Duration   `json:"expiresIn" doc:"a lifetime, which a rotation starts again; the vendor's if absent"`
	ExpiresAt *instant   `json:"expiresAt" doc:"a fixed expiry, which a rotation keeps; without a zone it is UTC"`
	Limit     *Limit     `json:"limit"     doc:"a limit of its own; requests 0 is none"`
	Lasting   bool       `json:"lasting"   doc:"a reset leaves it, as it was issued"`
	Raw       string     `json:"raw"       doc:"import this value instead of making one; never a production key"`

	Attributes []string `json:"attributes" doc:"Optimove: the customer attributes that it can read; all if absent"`
	Channels   []int    `json:"channels"   doc:"Optimove: the execution channels that it can use; all if absent"`
}

func (issue *issueBody) options(s *Server) ([]KeyOption, error) {
	v := s.vendor(issue.Provider)
	switch {
	case v == nil:
		return nil, refused(http.StatusBadRequest, "provider: one of %s", s.providerNames())
	case issue.ExpiresIn < 0:
		return nil, refused(http.StatusBadRequest, "expiresIn is negative; for an expired key give expiresAt, or expire it")
	case issue.ExpiresIn > 0 && issue.ExpiresAt != nil:
		return nil, refused(http.StatusBadRequest, "give expiresIn or expiresAt, not both")
	case !v.own && issue.Access != "" && issue.Provider != Optimove:
		return nil, refused(http.StatusBadRequest, "access types are Optimove's")
	case !v.own && issue.Access != "" && !slices.Contains([]AccessType{Admin, Integrations, Transactional}, issue.Access):
		return nil, refused(http.StatusBadRequest, "access: one of Admin, Integrations, Transactional")
	case issue.Provider != Optimove && (issue.Attributes != nil || issue.Channels != nil):
		return nil, refused(http.StatusBadRequest, "attributes and channels are Optimove's")
	case issue.User != "" && issue.Kind != KindPair:
		return nil, refused(http.StatusBadRequest, `user belongs to kind "pair"`)
	}
	opts := []KeyOption{Named(issue.Name), Contact(issue.Contact), ExpiresIn(issue.ExpiresIn.Std())}
	if issue.Scopes != nil {
		opts = append(opts, Scopes(issue.Scopes...))
	}
	if issue.Access != "" {
		opts = append(opts, Access(issue.Access))
	}
	if issue.ExpiresAt != nil {
		opts = append(opts, ExpiresAt(issue.ExpiresAt.Time))
	}
	if issue.Limit != nil {
		opts = append(opts, LimitTo(*issue.Limit))
	}
	if issue.Lasting {
		opts = append(opts, Lasting())
	}
	if issue.Raw != "" {
		opts = append(opts, Raw(issue.Raw))
	}
	if issue.Attributes != nil {
		opts = append(opts, ShareAttributes(issue.Attributes...))
	}
	if issue.Channels != nil {
		opts = append(opts, EnableChannels(issue.Channels...))
	}
	switch issue.Kind {
	case KindKey, "":
	case KindPair:
		user := issue.User
		if user == "" {
			user = "user001"
		}
		opts = append(opts, ClientKey(user))
	case KindBearer:
		opts = append(opts, Bearer())
	default:
		return nil, refused(http.StatusBadRequest, "kind: one of key, pair, bearer")
	}
	return opts, nil
}

// issuedView is a new key with its value, which no other response shows.
type issuedView struct {
	Key
	Secret  string            `json:"secret"`
	Token   string            `json:"token,omitempty"` // of a pair
	Headers map[string]string `json:"headers"`         // that present it
	Query   string            `json:"query,omitempty"` // that presents it, if no header does
}

func viewIssued(i Issued) issuedView {
	v := issuedView{Key: i.Key, Secret: i.Secret.Reveal(), Token: i.Token.Reveal(), Headers: make(map[string]string)}
	r := &http.Request{Header: make(http.Header), URL: new(url.URL)}
	i.Apply(r)
	for name := range r.Header {
		v.Headers[displayHeader(name)] = r.Header.Get(name)
	}
	v.Query = r.URL.RawQuery
	return v
}

func adminIssue(c *adminCall) (any, error) {
	var in issueBody
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	opts, err := in.options(c.srv)
	if err != nil {
		return nil, err
	}
	issued, err := c.ns.keys.TryIssue(in.Provider, opts...)
	if err != nil {
		return nil, err
	}
	return viewIssued(issued), nil
}

func adminKeys(c *adminCall) (any, error) {
	limit, after, err := c.window()
	if err != nil {
		return nil, err
	}
	q := c.URL.Query()
	f := KeyFilter{Provider: Provider(q.Get("provider")), Kind: KeyKind(q.Get("kind")), Status: KeyStatus(q.Get("status")), Name: q.Get("name")}
	if f.Provider != "" {
		if f.Provider, err = c.srv.knownProvider(q.Get("provider")); err != nil {
			return nil, err
		}
	}
	if s := q.Get("unused_since"); s != "" {
		var since instant
		if err := since.UnmarshalText([]byte(s)); err != nil {
			return nil, refused(http.StatusBadRequest, "unused_since: %s", err)
		}
		f.UnusedSince = since.Time
	}
	out := page[Key]{}
	var last uint64
	if out.Items, last = c.ns.keys.page(f, after, limit); last != 0 {
		out.Next = cursor(last)
	}
	return out, nil
}

func adminKey(c *adminCall) (any, error) {
	k, ok := c.ns.keys.Get(c.keyID())
	if !ok {
		return nil, refused(http.StatusNotFound, "%s", ErrNoSuchKey)
	}
	return k, nil
}

type rotateBody struct {
	Overlap Duration `json:"overlap" doc:"how long the old key stays valid together with the new one; 0 if absent"`
}

func adminRotate(c *adminCall) (any, error) {
	var in rotateBody
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	issued, err := c.ns.keys.Rotate(c.keyID(), in.Overlap.Std())
	if err != nil {
		return nil, err
	}
	return viewIssued(issued), nil
}

type revokeBody struct {
	Reason string `json:"reason"`
}

func adminRevoke(c *adminCall) (any, error) {
	var in revokeBody
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := c.ns.keys.Revoke(c.keyID(), in.Reason); err != nil {
		return nil, err
	}
	return adminKey(c)
}

func adminSuspend(c *adminCall) (any, error) {
	if err := c.ns.keys.Suspend(c.keyID()); err != nil {
		return nil, err
	}
	return adminKey(c)
}

func adminEnable(c *adminCall) (any, error) {
	if err := c.ns.keys.Enable(c.keyID()); err != nil {
		return nil, err
	}
	return adminKey(c)
}

func adminExpire(c *adminCall) (any, error) {
	if err := c.ns.keys.Expire(c.keyID()); err != nil {
		return nil, err
	}
	return adminKey(c)
}
