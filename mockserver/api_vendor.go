package mockserver

import (
	"cmp"
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/mockkey"
	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// vendor makes the row of the table, or tells the first mistake.
func (a API) vendor() (*vendor, error) {
	def := &definition{API: a}
	def.check()
	v := &vendor{
		provider: a.Name, title: cmp.Or(a.Title, string(a.Name)), own: true,
		host:     func(h string) bool { return slices.Contains(a.Hosts, h) },
		carriers: def.carriers(),
		life:     a.Life, limit: a.Limit, groups: maps.Clone(a.LimitGroups),
		scopes: slices.Clone(a.Scopes), closedScopes: true, accessTypes: slices.Clone(a.Access),
		requestID: textproto.CanonicalMIMEHeaderKey(a.RequestID),
	}
	if len(a.Access) > 0 {
		v.access = a.Access[0]
	}
	v.key = def.shape("key", a.Key, "")
	if v.second = v.key; v.carries(credClient) {
		v.second = def.shape("second", cmp.Or(a.Second, a.Key), " second")
	} else if a.Second != (KeyShape{}) {
		def.wrong("second", "only a pair has a second key; give schemes a pair")
	}
	v.prefixed = def.prefixed()
	v.oauth = def.oauth(v)
	if a.Quota != (QuotaHeaders{}) {
		v.quota = &a.Quota
	}
	play := def.play(v)
	v.profile, v.defined = play.profile, a
	v.now.Store(play)
	v.surface = func(env surface.Env) surface.Surface { return v.withOAuth(env, v.now.Load().surface()) }
	v.decorate = func(h http.Header, _ *http.Request) {
		v.number(h)
		addMissing(h, v.now.Load().header)
	}
	if def.err != nil {
		return nil, def.err
	}
	return v, nil
}

// number gives an answer its request ID, unless it has one, and returns it.
func (v *vendor) number(h http.Header) string {
	if v.requestID == "" {
		return ""
	}
	id := h.Get(v.requestID)
	if id == "" {
		n := strconv.FormatUint(v.requests.Add(1), 10)
		id = "req_" + strings.Repeat("0", max(0, 12-len(n))) + n
		h.Set(v.requestID, id)
	}
	return id
}

// headerOf returns fields with canonical names.
func headerOf(fields map[string]string) http.Header {
	h := make(http.Header, len(fields))
	for name, value := range fields {
		h.Set(name, value)
	}
	return h
}

// addMissing sets the fields that h lacks.
func addMissing(h, fields http.Header) {
	for name, values := range fields {
		if len(h[name]) == 0 {
			h[name] = values
		}
	}
}

// prefixed returns the shapes of keys whose access type has a prefix of its own.
func (def *definition) prefixed() map[AccessType]mockkey.Shape {
	shapes := make(map[AccessType]mockkey.Shape, len(def.Prefixes))
	for _, access := range slices.Sorted(maps.Keys(def.Prefixes)) {
		member := "prefixes." + string(access)
		if !slices.Contains(def.Access, access) {
			def.wrong(member, "%.60q is none of the access types", access)
			continue
		}
		look := def.Key
		if look.Prefix = def.Prefixes[access]; look.Prefix != "" && !isToken(look.Prefix) {
			def.wrong(member, "%.60q has other characters than letters, digits, \"-\" and \"_\"", look.Prefix)
		}
		shapes[access] = def.shape("key", look, "")
	}
	return shapes
}

// carries reports whether the vendor reads a kind of credential.
func (v *vendor) carries(kind credKind) bool {
	return slices.ContainsFunc(v.carriers, func(c carrier) bool { return c.takes(kind) })
}

func (def *definition) carriers() []carrier {
	var out []carrier
	tokens := def.OAuth.none() // their place is there, or not needed
	header := func(name string, kind credKind) {
		out = append(out, carrier{header: textproto.CanonicalMIMEHeaderKey(name), display: name, kind: kind})
	}
	for _, s := range def.Schemes {
		switch {
		case s.Header != "":
			header(s.Header, credKey)
		case strings.EqualFold(s.Authorization, bearer) && !def.OAuth.none():
			tokens, out = true, append(out, carrier{header: "Authorization", scheme: s.Authorization, kind: credBearer, keys: true})
		case s.Authorization != "":
			out = append(out, carrier{header: "Authorization", scheme: s.Authorization})
		case s.Query != "":
			out = append(out, carrier{query: s.Query})
		case s.Cookie != "":
			out = append(out, carrier{cookie: s.Cookie})
		case s.Basic:
			out = append(out, carrier{header: "Authorization", scheme: "Basic", basic: true})
		default:
			header(s.Pair[0], credClient)
			header(s.Pair[1], credToken)
		}
	}
	if !tokens {
		out = append(out, carrier{header: "Authorization", scheme: bearer, kind: credBearer, keys: len(def.Schemes) == 0})
	}
	return out
}

// alphabets are those of KeyShape by name.
func alphabets() map[string]string {
	const digits, upper, lower = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
	return map[string]string{
		"base62": upper + lower + digits, "base64url": upper + lower + digits + "-_",
		"base32": lower + "234567", "hex": digits + "abcdef", "digits": digits,
	}
}

// defaultKeyLength is the number of characters of a key behind its prefix.
const defaultKeyLength = 32

func (def *definition) shape(member string, look KeyShape, tag string) mockkey.Shape {
	name := cmp.Or(look.Alphabet, "base62")
	alphabet, known := alphabets()[name]
	if !known {
		all := slices.Sorted(maps.Keys(alphabets()))
		def.wrong(member+".alphabet", "%.40q is none of %s%s", name, strings.Join(all, ", "), meant(name, all))
		return mockkey.Shape{}
	}
	if look.Prefix != "" && !isToken(look.Prefix) {
		def.wrong(member+".prefix", "%.60q has other characters than letters, digits, \"-\" and \"_\"", look.Prefix)
	}
	s, err := mockkey.Written("api/"+string(def.Name)+tag, look.Prefix, alphabet, cmp.Or(look.Length, defaultKeyLength))
	if err != nil {
		def.wrong(member+".length", "%s", err)
	}
	return s
}

// table is the rows of a server: the five, and those that were defined.
func table(apis []API) ([]*vendor, error) {
	rows := vendors()
	hosts := make(map[string]Provider)
	for i := range apis {
		a := &apis[i]
		v, err := a.vendor()
		if err != nil {
			return nil, err
		}
		for _, other := range rows {
			if other.provider == v.provider {
				return nil, &DefinitionError{a.Name, "name", "another API has this name"}
			}
		}
		for j, h := range a.Hosts {
			if other := vendorForHost(rows, h); other != nil || hosts[h] != "" {
				return nil, &DefinitionError{a.Name, at("hosts", j), quote(h) + " is another API's host, or there twice"}
			}
			hosts[h] = a.Name
		}
		v.index, v.want = len(rows), wants(v)
		rows = append(rows, v)
	}
	if len(apis) > 0 {
		learnPlaces(rows)
	}
	return rows, nil
}

// learnPlaces tells every row the headers, parameters and cookies of the others, so that a
// diagnosis can say that a key stands in another's place.
func learnPlaces(rows []*vendor) {
	var others []carrier
	for _, v := range rows {
		for _, c := range v.carriers {
			if v.own && !slices.Contains(foreign(), c.header) && c.query != "api_key" {
				others = append(others, c)
			}
		}
	}
	for _, v := range rows {
		v.others = others
	}
}
