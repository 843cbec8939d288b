package mockserver

import (
	"errors"
	"net/http"
)

type namespaceView struct {
	Name     string              `json:"name"`
	Keys     int                 `json:"keys"`
	Requests int                 `json:"requests"`
	Faults   int                 `json:"faults"`
	Clock    clockView           `json:"clock"`
	URLs     map[Provider]string `json:"urls"` // of its own open listeners
}

func viewNamespace(n *Namespace) namespaceView {
	n.keys.mu.RLock()
	keys := len(n.keys.byID)
	n.keys.mu.RUnlock()
	return namespaceView{
		Name: n.title(), Keys: keys, Requests: n.Counts(Match{}).Total,
		Faults: len(n.Injections()), Clock: viewClock(n.clock), URLs: n.urls(),
	}
}

func adminNamespaces(c *adminCall) (any, error) {
	out := page[namespaceView]{Items: []namespaceView{}}
	for _, n := range c.srv.Namespaces() {
		out.Items = append(out.Items, viewNamespace(n))
	}
	return out, nil
}

type namespaceBody struct {
	Name   string `json:"name" required:"true"`
	Listen bool   `json:"listen" doc:"open a listener for each provider, on which requests without a known key belong to it"`
}

func adminMakeNamespace(c *adminCall) (any, error) {
	var in namespaceBody
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := validNamespace(in.Name, c.srv.vendors); err != nil {
		return nil, refused(http.StatusBadRequest, "%s", err)
	}
	if c.srv.existing(in.Name) != nil {
		return nil, refused(http.StatusConflict, "this namespace exists; POST …/reset empties it")
	}
	n := c.srv.InNamespace(in.Name)
	if in.Listen {
		for _, v := range c.srv.vendors {
			if _, err := n.Listen(v.provider, ""); err != nil {
				return nil, errors.Join(err, c.srv.DeleteNamespace(in.Name))
			}
		}
	}
	if err := c.srv.file.Flush(); err != nil {
		c.srv.forget(n) // DeleteNamespace would have to be saved, too
		n.origins.close(c.srv)
		return nil, err
	}
	return viewNamespace(n), nil
}

func adminDeleteNamespace(c *adminCall) (any, error) {
	return nil, c.srv.DeleteNamespace(c.ns.title())
}

type providerView struct {
	Provider Provider `json:"provider"`
	Title    string   `json:"title"`
	URL      string   `json:"url,omitempty"` // if its listener is open
	Wants    string   `json:"wants"`         // how to present the credential, in words
	KeyLife  Duration `json:"keyLife,omitzero"`
	Limit    Limit    `json:"limit"`
	Profile  Profile  `json:"profile"`
}

func viewProvider(n *Namespace, v *vendor) providerView {
	st := &n.vendors[v.index]
	return providerView{
		Provider: v.provider, Title: v.title, URL: n.urls()[v.provider], Wants: v.want,
		KeyLife: Duration(v.life), Limit: *st.limit.Load(), Profile: *st.profile.Load(),
	}
}

func adminProviders(c *adminCall) (any, error) {
	out := page[providerView]{Items: []providerView{}}
	for _, v := range c.srv.vendors {
		out.Items = append(out.Items, viewProvider(c.ns, v))
	}
	return out, nil
}

func adminProvider(c *adminCall) (any, error) {
	p, err := c.srv.knownProvider(c.PathValue("provider"))
	if err != nil {
		return nil, err
	}
	return viewProvider(c.ns, c.srv.vendor(p)), nil
}

type providerBody struct {
	Reset   bool     `json:"reset"   doc:"first return to the limit and profile of the start"`
	Limit   *Limit   `json:"limit"   doc:"of every key without its own; requests 0 is none"`
	Profile *Profile `json:"profile" doc:"laid over the profile in force"`
}

func adminPatchProvider(c *adminCall) (any, error) {
	p, err := c.srv.knownProvider(c.PathValue("provider"))
	if err != nil {
		return nil, err
	}
	var in providerBody
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	v := c.srv.vendor(p)
	if in.Reset {
		c.ns.configure(v.index, &c.srv.opts)
	}
	if in.Limit != nil {
		c.ns.Limit(p, *in.Limit)
	}
	if in.Profile != nil {
		c.ns.SetProfile(p, *in.Profile)
	}
	c.ns.changed()
	return viewProvider(c.ns, v), nil
}
