package mockserver

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/mockkey"
	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// vendor is everything that the core knows about one API, as data. The five have a
// file each; API.vendor makes the row of an API of one's own.
type vendor struct {
	provider Provider
	title    string // in the vendor's own spelling
	index    int
	host     func(host string) bool // whether it is one of the vendor's real hosts

	carriers []carrier // where it reads credentials; the first is the usual one
	want     string    // the carriers in words

	key, bearer mockkey.Shape
	life        time.Duration // default and longest lifetime of a key; 0 is unlimited
	bearerLife  time.Duration
	oauth       *oauthRow                  // nil: no authorization server
	fold        func() func(string) string // changes a path to the routes' spelling; nil if none differs
	groups      map[string]Limit           // limit groups beside the general limit
	scopes      []string                   // scopes of a key issued without the Scopes option
	access      AccessType

	closedScopes bool          // scopes lists all that there are
	attributes   []string      // that a key can share (Optimove)
	channels     []int         // that a key can be enabled for (Optimove)
	usedEvery    time.Duration // granularity of last-used
	limit        Limit
	profile      Profile
	surface      surface.Factory
	decorate     func(http.Header, *http.Request) // adds headers to every answer; nil adds none

	own         bool // defined with WithAPI
	defined     API  // so
	now         atomic.Pointer[ownPlay]
	check       RequestCheck                 // nil checks nothing
	second      mockkey.Shape                // of an own pair
	prefixed    map[AccessType]mockkey.Shape // of keys whose access type has a prefix
	accessTypes []AccessType                 // that a key can have
	quota       *QuotaHeaders                // nil writes none
	requestID   string                       // header of a request's number, or empty
	requests    atomic.Uint64                // numbered so far
	others      []carrier                    // where APIs of one's own read keys, besides foreign()
}

// carrier is one place for a credential. Its header name is canonical
// (net/http.CanonicalHeaderKey), because the hot path indexes the map.
type carrier struct {
	header string // header name, or empty
	scheme string // scheme word in Authorization, or empty
	query  string // query parameter, or empty
	cookie string // name of a cookie, or empty
	kind   credKind

	basic   bool   // the key is the user of HTTP Basic
	keys    bool   // a place of access tokens that takes keys, too
	display string // the header in the vendor's spelling; empty is as displayHeader has it
}

// takes reports whether a kind of credential is sent at the place.
func (place *carrier) takes(kind credKind) bool {
	return place.kind == kind || place.keys && kind == credKey
}

func (place *carrier) String() string {
	switch {
	case place.query != "":
		return "`?" + place.query + "=`"
	case place.cookie != "":
		return "`Cookie: " + place.cookie + "=…`"
	case place.scheme != "":
		return "`" + place.header + ": " + place.scheme + " …`"
	}
	return "`" + place.spelt() + "`"
}

// spelt returns the header's name in the vendor's spelling.
func (place *carrier) spelt() string {
	if place.display != "" {
		return place.display
	}
	return displayHeader(place.header)
}

// displayHeader returns a header's name in the vendors' spelling.
func displayHeader(canonical string) string {
	switch canonical {
	case "X-Api-Key", "Im-Api-Key", "Im-Client-Key":
		return strings.ToUpper(canonical)
	case "Im-Authorization":
		return "IM-Authorization"
	}
	return canonical
}

const (
	minute = time.Minute
	day    = 24 * time.Hour
)

// vendors builds the table. Its literals are the mock's own, on purpose: the
// SDK's wrong header must not agree with itself (DESIGN.md, section 3).
func vendors() []*vendor {
	rows := []*vendor{iminVendor(), mindkeyVendor(), imkitVendor(), optimoveVendor(), iiniitVendor()}
	for i, v := range rows {
		v.index = i
		v.want = wants(v)
	}
	return rows
}

// shapesOf lists the shapes of all credentials of the vendors.
func shapesOf(rows []*vendor) mockkey.Shapes {
	var all mockkey.Shapes
	for _, v := range rows {
		all = append(all, v.key)
		if v.own {
			all = append(all, v.second)
			all = slices.AppendSeq(all, maps.Values(v.prefixed))
		}
		if !v.bearer.IsZero() {
			all = append(all, v.bearer)
		}
		if v.oauth != nil {
			all = append(all, v.oauth.all()...)
		}
	}
	return all
}

func wants(v *vendor) string {
	var b strings.Builder
	for i := range v.carriers {
		c := &v.carriers[i]
		switch {
		case i == 0:
		case c.kind == credToken:
			b.WriteString(" + ")
		default:
			b.WriteString(" or ")
		}
		b.WriteString(c.String())
	}
	return b.String()
}

// vendorForHost returns the vendor of a real host or of "<vendor>.localhost", nil
// for any other host.
func vendorForHost(rows []*vendor, host string) *vendor {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	host = strings.ToLower(host)
	for _, v := range rows {
		if v.host(host) || host == string(v.provider)+".localhost" {
			return v
		}
	}
	return nil
}

// same sets one answer for several outcomes.
func same(into map[Outcome]Answer, a Answer, outcomes ...Outcome) {
	for _, o := range outcomes {
		into[o] = a
	}
}

// refusals returns a table with one answer for all unusable credentials, one for a
// missing permission, one for the limit and one for an unknown path.
func refusals(bad, forbidden, limited, notFound Answer) map[Outcome]Answer {
	m := make(map[Outcome]Answer)
	same(m, bad, MissingKey, UnknownKey, NotAMockKey, Expired, Revoked, Suspended, WrongScheme, WrongHeader, DuplicateKey, MissingPair)
	same(m, forbidden, InsufficientScope, AccessDenied)
	m[RateLimited], m[NotFound] = limited, notFound
	return m
}

func jsonAnswer(status int, body string) Answer {
	return Answer{Status: status, ContentType: "application/json; charset=utf-8", Body: body}
}
