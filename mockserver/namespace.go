package mockserver

import (
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/keyfit/keyfit/mockserver/internal/clock"
	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// Namespace is an isolated part of a server, with its own clock, keys, limits,
// faults, data and journal. A Server has a default one and embeds it. The key of
// a request selects the namespace. A request without a known key belongs to the
// namespace of its host or listener (Listen), else to the default one.
type Namespace struct {
	srv     *Server
	name    string
	clock   *clock.Clock
	control Clock // the same for users
	keys    *Keys
	journal *journal
	faults  faults
	vendors []vendorState // by vendor.index
	origins origins       // its own listeners
	oauth   *oauthStore
	calls   callbacks
	saved   snapshots
	feed    feed
	playing player
}

// vendorState is what a namespace stores about one vendor.
type vendorState struct {
	limit   atomic.Pointer[Limit]
	profile atomic.Pointer[Profile]
	groups  atomic.Pointer[map[string]Limit]
	changed atomic.Bool // limit or profile was changed
	build   sync.Mutex
	routes  atomic.Pointer[routes]
}

// routes is a vendor's surface with the data it holds.
type routes struct {
	fold    func(string) string       // changes a path to the routes' spelling; nil if none differs
	router  func() *router            // for all other routes, made at first use
	literal map[literalRoute]*literal // those without wildcards
	all     []surface.Route
	data    surface.Data // nil: nothing is stored
	changed *atomic.Bool // data was changed
	loading *sync.Mutex  // serialises SetData
	stubs   int          // how many of the routes are those of Handle
}

// literalRoute is the method and path of a pattern without wildcards.
type literalRoute struct{ method, path string }

// literal is its route, with strings that outlive a request.
type literal struct {
	literalRoute
	route *surface.Route
}

func newNamespace(s *Server, name string) *Namespace {
	n := &Namespace{srv: s, name: name, vendors: make([]vendorState, len(s.vendors))}
	n.clock = clock.New(n.changed).Stopping(&n.playing)
	n.control = Clock{n.clock}
	n.keys = &Keys{ns: n, byID: make(map[string]*record), tokens: make(map[string][]*record)}
	n.oauth = &oauthStore{ns: n}
	n.journal = newJournal(s.opts.journalEntries, s.opts.journalBytes)
	n.feed.j = n.journal
	if !s.opts.frozen.IsZero() {
		n.clock.Freeze(s.opts.frozen)
	}
	for i := range s.vendors {
		n.configure(i, &s.opts)
	}
	return n
}

// configure sets a vendor's limit and profile to those of the options.
func (n *Namespace) configure(i int, o *options) {
	v := n.srv.vendors[i]
	limit, profile := v.limit, v.profile
	if v.own {
		now := v.now.Load()
		limit, profile = now.limit, now.profile
	}
	if l, ok := o.limits[v.provider]; ok {
		limit = l
	}
	if o.noLimits {
		limit = Limit{}
	}
	for _, over := range o.profiles[v.provider] {
		profile = profile.over(over)
	}
	n.vendors[i].limit.Store(&limit)
	n.vendors[i].profile.Store(&profile)
	groups := v.groups
	if o.noLimits {
		groups = nil
	}
	n.vendors[i].groups.Store(&groups)
	n.vendors[i].changed.Store(false)
}

// changed saves the clock, limits, profiles and faults soon.
func (n *Namespace) changed() {
	n.srv.unsaved.setting(n)
	n.srv.file.Later()
}

// Name returns the namespace's name; the default's is "".
func (n *Namespace) Name() string { return n.name }

// prefix is what the IDs of the namespace's keys begin with: its name and a dot,
// so that an ID can be one segment of a path. A name of a Go test may hold what a
// path cannot.
func (n *Namespace) prefix() string {
	if n.name == "" {
		return ""
	}
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.', c == '~':
			return c
		}
		return '-'
	}, n.name) + "."
}

// Keys returns the keys of the namespace.
func (n *Namespace) Keys() *Keys { return n.keys }

// Clock returns the clock of the namespace.
func (n *Namespace) Clock() *Clock { return &n.control }

// Limit sets the rate limit of every key of p without its own limit. Limit{}
// removes it. A change starts new windows. An unknown p is ignored. It panics on a
// negative number, or requests without a window.
func (n *Namespace) Limit(p Provider, l Limit) {
	mustBeLimit(l)
	if v := n.srv.vendor(p); v != nil {
		n.vendors[v.index].limit.Store(&l)
		n.vendors[v.index].changed.Store(true)
		n.changed()
	}
}

// SetProfile changes the fields of p's current profile that are set in o. An
// unknown p is ignored.
func (n *Namespace) SetProfile(p Provider, o Profile) {
	if v := n.srv.vendor(p); v != nil {
		next := n.vendors[v.index].profile.Load().over(o)
		n.vendors[v.index].profile.Store(&next)
		n.vendors[v.index].changed.Store(true)
		n.changed()
	}
}

// mustBeLimit panics on a limit that is none, as Issue does on a key that is none.
func mustBeLimit(l Limit) {
	if err := l.valid(); err != nil {
		panic("mockserver: " + err.Error())
	}
}

// limitOf returns the limit that applies to a key.
func (n *Namespace) limitOf(rec *record) *Limit {
	if own := rec.now().limit; own != nil {
		return own
	}
	return n.vendors[rec.vendor.index].limit.Load()
}

// LimitGroup sets the limit of a limit group, which a vendor documents besides the
// general limit: Optimove's "SendTransactionalMail". Limit{} removes it. An
// unknown p or group is ignored. It is not part of the state document. It panics on
// what Limit panics on.
func (n *Namespace) LimitGroup(p Provider, group string, l Limit) {
	mustBeLimit(l)
	v := n.srv.vendor(p)
	if v == nil || v.groups[group].none() {
		return
	}
	next := map[string]Limit{}
	maps.Copy(next, *n.vendors[v.index].groups.Load())
	next[group] = l
	n.vendors[v.index].groups.Store(&next)
}

// windowOf returns the limit that applies to a key in a limit group ("" is the
// general one), and its window. A key without a limit by LimitTo has none in a
// group either.
func (n *Namespace) windowOf(rec *record, group string) (*Limit, *limiter) {
	if own := rec.now().limit; group == "" || own != nil && own.none() {
		return n.limitOf(rec), rec.window()
	}
	limit := (*n.vendors[rec.vendor.index].groups.Load())[group]
	return &limit, rec.window().of(group)
}

// folded returns r with its path in the routes' spelling, and whether that differs
// from r's. It does not modify r.
func (rt *routes) folded(r *http.Request) (*http.Request, bool) {
	if rt.fold == nil {
		return r, false
	}
	path := rt.fold(r.URL.Path)
	if path == r.URL.Path {
		return r, false
	}
	u := *r.URL
	u.Path, u.RawPath = path, ""
	copied := r.WithContext(r.Context())
	copied.URL = &u
	return copied, true
}

// router builds the vendor's routes at the first request, so that a server does
// not build those of unused vendors.
func (n *Namespace) router(v *vendor) *routes {
	st := &n.vendors[v.index]
	if r := st.routes.Load(); r != nil {
		return r
	}
	st.build.Lock()
	defer st.build.Unlock()
	if r := st.routes.Load(); r != nil {
		return r
	}
	built := n.withStubs(v, n.play(v))
	st.routes.Store(built)
	return built
}

// play makes a vendor's surface with its initial data.
func (n *Namespace) play(v *vendor) *routes {
	built := &routes{changed: new(atomic.Bool), loading: new(sync.Mutex)}
	if v.fold != nil {
		built.fold = v.fold()
	}
	played := v.surface(n.env(v, built.changed))
	built.data = played.Data
	built.file(played.Routes)
	return built
}

// file makes the two ways to find a route. Of two routes with one pattern the first counts.
func (rt *routes) file(all []surface.Route) {
	rt.all, rt.literal = all, make(map[literalRoute]*literal)
	rt.router = sync.OnceValue(func() *router { return newRouter(all) })
	for i := range all {
		r := &all[i]
		if method, path, ok := strings.Cut(r.Pattern, " "); ok && !strings.Contains(path, "{") {
			key := literalRoute{method, path}
			if rt.literal[key] == nil {
				rt.literal[key] = &literal{key, r}
			}
		}
	}
}

// env returns what a vendor's surface needs; changed records that its data
// changed.
func (n *Namespace) env(v *vendor, changed *atomic.Bool) surface.Env {
	return surface.Env{
		Now: n.clock.Now, Seed: n.srv.opts.seed, Empty: n.srv.opts.empty, Tokens: userTokens{n.keys, v}, Authority: authorityServer{n.oauth, v},
		Callback: func(url string, body []byte) { n.callback(v.provider, url, body) },
		Changed: func() {
			changed.Store(true)
			n.srv.unsaved.vendorData(n, v.index)
			n.srv.file.Later()
		},
	}
}
