package mockserver

import (
	"strings"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/iiniit"
	"github.com/keyfit/keyfit/mockserver/internal/imin"
	"github.com/keyfit/keyfit/mockserver/internal/imkit"
	"github.com/keyfit/keyfit/mockserver/internal/mindkey"
	"github.com/keyfit/keyfit/mockserver/internal/mockkey"
	"github.com/keyfit/keyfit/mockserver/internal/optimove"
	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// vendor is everything the core knows of one API: a row of data. A sixth
// vendor is a sixth row.
type vendor struct {
	provider Provider
	title    string // as the vendor writes itself
	index    int
	host     func(host string) bool // is this one of the vendor's real hosts

	carriers []carrier // where it reads credentials, first is the usual one
	want     string    // the same, for people

	key, bearer mockkey.Shape
	life        time.Duration // default and longest life of a key; 0 is for ever
	bearerLife  time.Duration
	oauth       *oauthShapes               // nil: no authorization server
	fold        func() func(string) string // brings a path to the routes' spelling; nil: as it is
	groups      map[string]Limit           // limit groups beside the general limit
	scopes      []string                   // scopes of a key issued without the Scopes option
	access      AccessType
	usedEvery   time.Duration // granularity of last-used
	limit       Limit
	profile     Profile
	surface     surface.Factory
}

// carrier is one place for a credential. Header names are canonical
// (net/http.CanonicalHeaderKey) because the hot path indexes the map.
type carrier struct {
	header string // header name, or empty
	scheme string // scheme word in Authorization, or empty
	query  string // query parameter, or empty
	kind   credKind
}

func (c carrier) String() string {
	switch {
	case c.query != "":
		return "`?" + c.query + "=`"
	case c.scheme != "":
		return "`" + c.header + ": " + c.scheme + " …`"
	}
	return "`" + displayHeader(c.header) + "`"
}

// displayHeader writes a header as the vendors do.
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
	rows := []*vendor{
		{
			provider: Imin, title: "imin",
			host: func(h string) bool {
				switch h {
				case "search.imin.co", "search-sandbox.imin.co", "places.imin.co", "firehose.imin.co":
					return true
				}
				return false
			},
			carriers: []carrier{{header: "X-Api-Key"}},
			key:      mockkey.Hex("imin", 16),
			profile:  iminProfile(), surface: imin.New,
		},
		{
			provider: MindKey, title: "MindKey",
			host:     func(h string) bool { return h == "connector.mindkey.com" },
			carriers: []carrier{{header: "Authorization", scheme: "ApiKey-v2"}},
			key:      mockkey.Base64URL("mindkey", 32),
			life:     365 * day, usedEvery: 5 * minute,
			scopes:  []string{"Employee", "EmployeeData", "Compensation", "TimeTracking", "Organization", "Leave", "Workingtime"},
			profile: mindkeyProfile(), surface: mindkey.New,
		},
		{
			provider: IMKIT, title: "IMKIT",
			host: func(h string) bool { return strings.HasSuffix(h, ".imkit.io") },
			carriers: []carrier{
				{header: "Im-Api-Key"},
				{header: "Im-Client-Key", kind: credClient},
				{header: "Im-Authorization", kind: credToken},
			},
			key:     mockkey.DoubleBase64("imkit", 32),
			limit:   Limit{Requests: 1000, Per: minute, Kind: Fixed},
			profile: imkitProfile(), surface: imkit.New,
		},
		{
			provider: Optimove, title: "Optimove",
			host: func(h string) bool {
				return strings.HasSuffix(h, ".optimove.net") &&
					(strings.HasPrefix(h, "api") || strings.HasPrefix(h, "sandbox-api"))
			},
			carriers: []carrier{{header: "X-Api-Key"}},
			key:      mockkey.Hex("optimove", 20), access: Admin,
			limit:   Limit{Requests: 50, Per: 10 * time.Second, Kind: Sliding},
			groups:  map[string]Limit{optimove.TransactionalGroup: {Requests: 10, Per: time.Second, Kind: Sliding}},
			profile: optimoveProfile(), surface: optimove.New, fold: optimove.Fold,
		},
		{
			provider: Iiniit, title: "iiniit",
			host: func(h string) bool { return h == "api.iiniit.com" || h == "www.iiniit.com" },
			carriers: []carrier{
				{header: "Authorization", scheme: "ApiKey"},
				{query: "api_key"},
				{header: "Authorization", scheme: "Bearer", kind: credBearer},
			},
			key: mockkey.Base32("iiniit", 25), bearer: mockkey.Base64URL("iiniit bearer", 32), bearerLife: time.Hour,
			oauth: newOAuthShapes(), scopes: iiniit.DefaultScopes(),
			profile: iiniitProfile(), surface: iiniit.New,
		},
	}
	for i, v := range rows {
		v.index = i
		v.want = wants(v)
	}
	return rows
}

// shapesOf lists how everything looks that the vendors' keys are made of.
func shapesOf(rows []*vendor) mockkey.Shapes {
	var all mockkey.Shapes
	for _, v := range rows {
		all = append(all, v.key)
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
	for i, c := range v.carriers {
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

// vendorForHost finds whose host it is: a vendor's real host or
// "<vendor>.localhost". It returns nil for a host of nobody.
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
