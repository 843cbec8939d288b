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

// Namespace is one world: a clock, keys, limits, faults, data and journal of
// its own. A Server has a default one and embeds it. Several may live in one
// server: the key of a request selects the namespace it belongs to. A request
// without a known key belongs to the namespace that its host or listener names
// (Listen), else to the default.
type Namespace struct {
	srv     *Server
	name    string
	clock   *clock.Clock
	control Clock // the same for users
	keys    *Keys
	journal *journal
	faults  faults
	vendors []vendorState // by vendor.index
	origins origins       // listeners of its own
	oauth   *OAuth
	calls   callbacks
}

// vendorState is what a namespace keeps about one vendor.
type vendorState struct {
	limit   atomic.Pointer[Limit]
	profile atomic.Pointer[Profile]
	groups  atomic.Pointer[map[string]Limit]
	changed atomic.Bool // limit or profile is not the start's
	build   sync.Mutex
	routes  atomic.Pointer[routes]
}

// routes is a vendor's surface with the data it holds.
type routes struct {
	fold    func(string) string       // nil: paths stay as they are
	mux     func() *http.ServeMux     // for all others, made at first use
	literal map[literalRoute]*literal // those without wildcards
	needs   map[string]surface.Need   // by pattern, for Verify
	data    surface.Data              // nil: nothing is stored
	changed *atomic.Bool              // data is not the start's
}

// literalRoute is a method and a path that stand literally in a pattern.
type literalRoute struct{ method, path string }

// literal is the route behind it, with strings that outlive a request.
type literal struct {
	literalRoute
	route *surface.Route
}

func newNamespace(s *Server, name string) *Namespace {
	n := &Namespace{srv: s, name: name, clock: clock.New(s.file.Later), vendors: make([]vendorState, len(s.vendors))}
	n.control = Clock{n.clock}
	n.keys = &Keys{ns: n, byID: make(map[string]*record), tokens: make(map[string][]*record)}
	n.oauth = &OAuth{ns: n}
	n.journal = newJournal(s.opts.journalEntries, s.opts.journalBytes)
	if !s.opts.frozen.IsZero() {
		n.clock.Freeze(s.opts.frozen)
	}
	for i := range s.vendors {
		n.configure(i, &s.opts)
	}
	return n
}

// configure gives a vendor the limit and the profile of the options.
func (n *Namespace) configure(i int, o *options) {
	v := n.srv.vendors[i]
	limit, profile := v.limit, v.profile
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

// Name returns the namespace's name; the default's is "".
func (n *Namespace) Name() string { return n.name }

func (n *Namespace) prefix() string {
	if n.name == "" {
		return ""
	}
	return n.name + "/"
}

// Keys returns the keys of the namespace.
func (n *Namespace) Keys() *Keys { return n.keys }

// Clock returns the clock of the namespace.
func (n *Namespace) Clock() *Clock { return &n.control }

// Limit sets the rate limit that every key of p without one of its own has.
// Limit{} lifts it. A change starts new windows. An unknown p is ignored.
func (n *Namespace) Limit(p Provider, l Limit) {
	if v := n.srv.vendor(p); v != nil {
		n.vendors[v.index].limit.Store(&l)
		n.vendors[v.index].changed.Store(true)
		n.srv.file.Later()
	}
}

// SetProfile lays o over the profile in force for p. An unknown p is ignored.
func (n *Namespace) SetProfile(p Provider, o Profile) {
	if v := n.srv.vendor(p); v != nil {
		next := n.vendors[v.index].profile.Load().over(o)
		n.vendors[v.index].profile.Store(&next)
		n.vendors[v.index].changed.Store(true)
		n.srv.file.Later()
	}
}

// limitOf is the limit that holds for a key.
func (n *Namespace) limitOf(rec *record) *Limit {
	if own := rec.now().limit; own != nil {
		return own
	}
	return n.vendors[rec.vendor.index].limit.Load()
}

// LimitGroup sets the limit of a limit group that a vendor documents beside the
// general one: Optimove's "SendTransactionalMail". Limit{} lifts it. An unknown
// p or group is ignored. It is not part of the state document.
func (n *Namespace) LimitGroup(p Provider, group string, l Limit) {
	v := n.srv.vendor(p)
	if v == nil || v.groups[group].none() {
		return
	}
	next := map[string]Limit{}
	maps.Copy(next, *n.vendors[v.index].groups.Load())
	next[group] = l
	n.vendors[v.index].groups.Store(&next)
}

// windowOf is the limit that holds for a key in a limit group ("" is the
// general one), and the window that counts it. A key that LimitTo freed of
// limits is free of these too.
func (n *Namespace) windowOf(rec *record, group string) (*Limit, *limiter) {
	if own := rec.now().limit; group == "" || own != nil && own.none() {
		return n.limitOf(rec), rec.window()
	}
	limit := (*n.vendors[rec.vendor.index].groups.Load())[group]
	return &limit, rec.window().of(group)
}

// folded returns r with its path in the routes' spelling, and whether that
// changed it. r stays as it is.
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

// router builds the vendor's routes at the first request: a server that plays
// one vendor does not pay for five.
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
	built := n.play(v)
	st.routes.Store(built)
	return built
}

// play makes a vendor's surface as it is at the start.
func (n *Namespace) play(v *vendor) *routes {
	built := &routes{literal: make(map[literalRoute]*literal), needs: make(map[string]surface.Need), changed: new(atomic.Bool)}
	if v.fold != nil {
		built.fold = v.fold()
	}
	played := v.surface(n.env(v, built.changed))
	all := played.Routes
	built.data = played.Data
	built.mux = sync.OnceValue(func() *http.ServeMux { return newMux(all) })
	for _, r := range all {
		built.needs[r.Pattern] = r.Need
		// ServeMux prefers a literal path with a method to any other pattern.
		if method, path, ok := strings.Cut(r.Pattern, " "); ok && path[0] == '/' &&
			!strings.Contains(path, "{") && !strings.HasSuffix(path, "/") {
			key := literalRoute{method, path}
			built.literal[key] = &literal{key, &r}
		}
	}
	return built
}

// newMux finds what is no literal path. Most vendors' servers never need it, and
// a hundred patterns take longer to register than a request takes.
func newMux(all []surface.Route) *http.ServeMux {
	mux := http.NewServeMux()
	for _, r := range all {
		mux.HandleFunc(r.Pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.(*exchange).run(&r) //nolint:errcheck // route calls the mux with nothing else
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.(*exchange).run(nil) //nolint:errcheck // as above
	})
	return mux
}

// env is what a vendor's surface is given; changed is to say that its data did.
func (n *Namespace) env(v *vendor, changed *atomic.Bool) surface.Env {
	later := n.srv.file.Later
	return surface.Env{
		Now: n.clock.Now, Seed: n.srv.opts.seed, Tokens: userTokens{n.keys, v}, Authority: authorityServer{n.oauth, v},
		Callback: func(url string, body []byte) { n.callback(v.provider, url, body) },
		Changed: func() {
			changed.Store(true)
			later()
		},
	}
}
