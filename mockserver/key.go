package mockserver

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// AccessType is Optimove's access type of a key.
type AccessType string

// Optimove's three access types (its page "Generating API Keys").
const (
	Admin         AccessType = "Admin"
	Integrations  AccessType = "Integrations"
	Transactional AccessType = "Transactional"
)

// KeyKind is the kind of credential that a key is.
type KeyKind string

// The kinds of keys.
const (
	KindKey    KeyKind = "key"    // a server-side API key
	KindPair   KeyKind = "pair"   // IMKIT client key with a user token
	KindToken  KeyKind = "token"  // IMKIT user token, issued by the mock's own API
	KindBearer KeyKind = "bearer" // OAuth access token

	// Further credentials of iiniit's authorization server. None of them gives
	// access to a resource.
	KindClient  KeyKind = "client"  // an OAuth client; its value is the client secret
	KindCode    KeyKind = "code"    // authorization code
	KindRefresh KeyKind = "refresh" // refresh token
)

// keyKinds lists every kind in a fixed order.
func keyKinds() []KeyKind {
	return []KeyKind{KindKey, KindPair, KindToken, KindBearer, KindClient, KindCode, KindRefresh}
}

// KeyStatus is the state of a key, by the mock clock.
type KeyStatus string

// The states of a key.
const (
	StatusActive    KeyStatus = "active"
	StatusExpiring  KeyStatus = "expiring"  // within 30 days of its expiry
	StatusRotating  KeyStatus = "rotating"  // replaced, still accepted
	StatusSuspended KeyStatus = "suspended" // refused until Keys.Enable
	StatusExpired   KeyStatus = "expired"
	StatusRevoked   KeyStatus = "revoked"
)

// Key is everything about a key but its value.
//
// Fingerprint is the one that the SDK shows for the same credential: 12
// hexadecimal digits of a SHA-256 over the value. A client key has the
// fingerprint of the pair with which it was issued, a user token that of a single
// secret. It is empty for a key from a state document of version 2 or older until
// the key is used.
type Key struct {
	ID          string     `json:"id"`
	Provider    Provider   `json:"provider"`
	Kind        KeyKind    `json:"kind"`
	Name        string     `json:"name,omitempty"`
	Fingerprint string     `json:"fingerprint"` // as the SDK shows it
	Status      KeyStatus  `json:"status"`
	Scopes      []string   `json:"scopes,omitempty"`
	Access      AccessType `json:"access,omitempty"`
	Contact     string     `json:"contact,omitempty"`
	User        string     `json:"user,omitempty"`
	Client      string     `json:"client,omitempty"`  // the OAuth client that it was issued to
	Limit       *Limit     `json:"limit,omitempty"`   // its own, if any
	Lasting     bool       `json:"lasting,omitempty"` // Reset leaves it

	Created      time.Time `json:"created"`
	Expires      time.Time `json:"expires,omitzero"` // the first instant at which it is refused; zero is never
	LastUsed     time.Time `json:"lastUsed,omitzero"`
	Revoked      time.Time `json:"revoked,omitzero"`
	RevokeReason string    `json:"revokeReason,omitempty"`
	Suspended    time.Time `json:"suspended,omitzero"` // since when; zero for a key that is not
	Replaces     string    `json:"replaces,omitempty"`
	ReplacedBy   string    `json:"replacedBy,omitempty"`
}

// Issued is a new key with its value, which cannot be read later.
type Issued struct {
	Key
	Secret Secret // the key; for a pair the client key; for Bearer the token
	Token  Secret // for a pair the user token, else empty

	put func(*http.Request, Issued)
}

// Apply sets the credential on a request in the vendor's usual way (for iiniit
// the Authorization header), replacing any other.
func (is Issued) Apply(r *http.Request) {
	if is.put != nil {
		is.put(r, is)
	}
}

// applier returns the vendor's usual way to present a credential of kind k.
func (v *vendor) applier(k KeyKind) func(*http.Request, Issued) {
	want := credKey
	switch k {
	case KindPair:
		want = credClient
	case KindBearer:
		want = credBearer
	default:
	}
	for _, c := range v.carriers {
		if !c.takes(want) || c.header == "" {
			continue
		}
		prefix := ""
		if c.scheme != "" {
			prefix = c.scheme + " "
		}
		return func(r *http.Request, i Issued) {
			value := i.Secret.Reveal()
			if c.basic {
				value = base64.StdEncoding.EncodeToString([]byte(value + ":"))
			}
			r.Header[c.header] = []string{prefix + value}
			if k == KindPair {
				r.Header[v.headerOf(credToken)] = []string{i.Token.Reveal()}
			}
		}
	}
	if want == credKey {
		return v.applyElsewhere
	}
	return nil
}

// applyElsewhere puts a key into the query or a cookie, in place of any other.
func (v *vendor) applyElsewhere(r *http.Request, i Issued) {
	for _, c := range v.carriers {
		switch {
		case c.kind != credKey:
		case c.query != "":
			q := r.URL.Query()
			q.Set(c.query, i.Secret.Reveal())
			u := *r.URL
			u.RawQuery = q.Encode()
			r.URL = &u
			return
		case c.cookie != "":
			setCookie(r.Header, c.cookie, i.Secret.Reveal())
			return
		}
	}
}

// setCookie sets one cookie of a request, and leaves the others as they are.
func setCookie(h http.Header, name, value string) {
	pairs := []string{name + "=" + value}
	for _, line := range h["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			pair = strings.Trim(pair, " \t")
			if n, _, _ := strings.Cut(pair, "="); pair != "" && n != name {
				pairs = append(pairs, pair)
			}
		}
	}
	h["Cookie"] = []string{strings.Join(pairs, "; ")}
}

// headerOf returns the header that carries a kind of credential.
func (v *vendor) headerOf(kind credKind) string {
	for _, c := range v.carriers {
		if c.kind == kind {
			return c.header
		}
	}
	return ""
}

// KeyOption describes a key to issue.
type KeyOption func(*keySpec)

// keySpec is the properties with which a key is issued, and which a rotation
// inherits.
type keySpec struct {
	kind    KeyKind
	name    string
	contact string
	scopes  []string
	scoped  bool
	access  AccessType
	user    string
	life    time.Duration // 0: the vendor's default
	until   time.Time     // zero: by life
	limit   *Limit

	attributes []string // Optimove; nil is all
	channels   []int    // Optimove; nil is all
	lasting    bool
	grant      *OAuthGrant
	raw        string // a value to import; never stored
}

// maxLife is the longest lifetime and overlap. With the latest time that a clock shows
// it stays within what nanoseconds since 1970 can hold.
const maxLife = 100 * 365 * day

// valid returns an error for numbers that no key can have.
func (ks *keySpec) valid() error {
	if ks.life < 0 || ks.life > maxLife {
		return fmt.Errorf("a lifetime of %s is not between 0s and %s; for an expired key give ExpiresAt, or expire it", Duration(ks.life), Duration(maxLife))
	}
	if err := validTime(ks.until); err != nil {
		return fmt.Errorf("expiry: %w", err)
	}
	if ks.limit != nil {
		return ks.limit.valid()
	}
	return nil
}

// validTime returns an error for a time that nanoseconds since 1970 cannot hold. The
// zero time is none.
func validTime(t time.Time) error {
	if !t.IsZero() && (t.Year() < 1970 || t.Year() > 2255) {
		return fmt.Errorf("the year %d is not between 1970 and 2255", t.Year())
	}
	return nil
}

// Named gives the key a name (MindKey: name, Optimove: nickname).
func Named(name string) KeyOption { return func(s *keySpec) { s.name = name } }

// Contact sets the contact e-mail (Optimove).
func Contact(email string) KeyOption { return func(s *keySpec) { s.contact = email } }

// Scopes sets the key's scopes (MindKey, and OAuth tokens). Without this option
// a MindKey key has every documented scope; with Scopes() it has none.
func Scopes(scopes ...string) KeyOption {
	return func(s *keySpec) { s.scopes, s.scoped = append([]string(nil), scopes...), true }
}

// Access sets the access type (Optimove). The default is Admin.
func Access(a AccessType) KeyOption { return func(s *keySpec) { s.access = a } }

// ShareAttributes restricts the customer attributes that an Optimove key can
// read (page "Generating API Keys", for access type Integrations). Without names
// it can read all.
func ShareAttributes(names ...string) KeyOption {
	return func(s *keySpec) { s.attributes = append([]string(nil), names...) }
}

// EnableChannels restricts the execution channels that an Optimove key can use
// (the same page). Without IDs it can use all.
func EnableChannels(ids ...int) KeyOption {
	return func(s *keySpec) { s.channels = append([]int(nil), ids...) }
}

// ExpiresIn sets the key's lifetime, which starts now. It is at most the vendor's
// longest lifetime (MindKey 365 days). Zero is the vendor's default. A rotation
// gives the successor the same lifetime from then on.
func ExpiresIn(d time.Duration) KeyOption { return func(s *keySpec) { s.life = d } }

// ExpiresAt sets a fixed expiry, which every successor inherits. It is at most
// the end of the vendor's longest lifetime.
func ExpiresAt(at time.Time) KeyOption { return func(s *keySpec) { s.until = at } }

// LimitTo gives the key its own limit instead of the vendor's. Limit{} is no
// limit.
func LimitTo(l Limit) KeyOption { return func(s *keySpec) { s.limit = &l } }

// ClientKey makes an IMKIT pair: a client key and a token of user. Expiry
// options apply to the pair as one.
func ClientKey(user string) KeyOption {
	return func(s *keySpec) { s.kind, s.user = KindPair, user }
}

// Bearer makes an OAuth access token for iiniit. It lives one hour unless an
// expiry option sets another lifetime.
func Bearer() KeyOption { return func(s *keySpec) { s.kind = KindBearer } }
