package mockserver

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/mockkey"
)

// identity is who a request comes from: what it presented as a credential, and
// the records behind it.
type identity struct {
	credentials
	key   *record // the key, client key or bearer token; nil when unknown
	token *record // the user token of a pair
	first bool    // the first half of a pair is enough
}

// identify reads the credential of a request and looks it up. It does not
// judge whether it is valid.
func (s *Server) identify(v *vendor, r *http.Request) identity {
	id := identity{credentials: readCredentials(v, r)}
	if id.outcome != OK && !id.halfOfOwn(v) {
		return id
	}
	id.key = s.vault.find(hashCredential(id.value))
	if id.kind == credBearer && id.key != nil && id.key.spec.kind == KindKey && v.sharesBearer() {
		id.kind = credKey
	}
	if id.kind == credClient {
		id.token = s.vault.find(hashCredential(id.credentials.token))
	}
	return id
}

// halfOfOwn reports whether the first half of a pair came alone, to an API that may have
// routes for which it is enough.
func (id *identity) halfOfOwn(v *vendor) bool {
	return v.own && id.outcome == MissingPair && id.kind == credClient && id.value != ""
}

// forgo makes the first half of a pair enough; false if there is none.
func (id *identity) forgo(v *vendor) bool {
	if !id.halfOfOwn(v) && (id.outcome != OK || id.kind != credClient) {
		return false
	}
	id.first, id.outcome, id.token = true, OK, nil
	return true
}

// namespace lets the key choose the namespace; without a key of this vendor it
// is home.
func (id *identity) namespace(v *vendor, home *Namespace) *Namespace {
	if id.key != nil && id.key.vendor == v {
		return id.key.ns
	}
	return home
}

// authenticate judges the credential at a time: is it known, is it of this
// vendor and kind, is it still valid. It returns OK or a refusal, and sets
// which half of a pair the refusal is about.
func (id *identity) authenticate(v *vendor, now time.Time) Diagnosis {
	if id.outcome != OK {
		return Diagnosis{Outcome: id.outcome, Sent: id.sent, Want: v.want, Why: id.why}
	}
	id.blame = id.kind
	if id.key == nil || id.key.vendor != v || !id.key.fits(id.kind) {
		return id.unknown(v)
	}
	if d := id.key.alive(v, now); d.Outcome != OK && (id.first || !id.endedAsOne(v, now)) {
		return d // a client key comes first, known or not: no token helps without it
	}
	if id.kind == credClient && !id.first {
		if d := id.authenticateToken(v, now); d.Outcome != OK {
			return d
		}
	}
	return Diagnosis{Outcome: OK, KeyID: id.key.id}
}

// endedAsOne reports whether a pair has expired as a whole. IMKIT's client keys do
// not expire by themselves, so the refusal is then the token's.
func (id *identity) endedAsOne(v *vendor, now time.Time) bool {
	return id.kind == credClient && id.token != nil && id.token == id.key.partner &&
		id.key.alive(v, now).Outcome == Expired && id.token.alive(v, now).Outcome == Expired
}

// authenticateToken judges the user token of a pair.
func (id *identity) authenticateToken(v *vendor, now time.Time) Diagnosis {
	t := id.token
	id.blame = credToken
	if t == nil || t.vendor != v || t.spec.kind != KindToken || t.ns != id.key.ns {
		_, half := v.halves()
		d := Diagnosis{
			Outcome: UnknownKey, Sent: half, Want: v.want, KeyID: id.key.id,
			Why: "the " + v.secondHalf() + " in " + half + " is not one that this server issued",
		}
		if v.own {
			return d
		}
		if word, ok := knownScheme(id.credentials.token); ok {
			d.Sent += " with scheme `" + word + "`"
			d.Why = "sent " + d.Sent + "; IMKIT's page on keys wants the bare token, although other pages print the word"
		}
		return d
	}
	d := t.alive(v, now)
	if d.Outcome == OK {
		id.blame = credClient
	}
	return d
}

// fits reports whether the record may be presented as k.
func (r *record) fits(k credKind) bool {
	switch r.spec.kind {
	case KindPair:
		return k == credClient
	case KindToken, KindClient, KindCode, KindRefresh:
		return false
	case KindBearer:
		return k == credBearer
	default:
	}
	return k == credKey
}

func (r *record) alive(v *vendor, now time.Time) Diagnosis {
	l := r.life.Load()
	d := Diagnosis{Outcome: OK, KeyID: r.id}
	switch {
	case l.revoked != 0:
		d.Outcome = Revoked
		d.Why = fmt.Sprintf("%s was revoked at %s", r.id, fromNano(l.revoked).Format(time.RFC3339))
	case l.expires != 0 && now.UnixNano() >= l.expires:
		d.Outcome = Expired
		d.Why = fmt.Sprintf("%s expired at %s", r.id, fromNano(l.expires).Format(time.RFC3339))
	case l.suspended != 0:
		d.Outcome = Suspended
		d.Why = fmt.Sprintf("%s is suspended since %s, until it is enabled", r.id, fromNano(l.suspended).Format(time.RFC3339))
	default:
		return d
	}
	if l.replacedBy != "" {
		d.Why += "; its successor is " + l.replacedBy
	}
	d.Want = v.want
	return d
}

const notAMockKey = "this key was not issued by a mock: it may be a production key, so it was not recorded; issue one with Keys().Issue, or `keyfit keys issue`"

// unknown explains a credential that is not one of the vendor's here: another
// one of this server, a mock key of another run, or a string that no mock made.
func (id *identity) unknown(v *vendor) Diagnosis {
	found := id.key
	d := Diagnosis{Outcome: UnknownKey, Want: v.want, Sent: "a key"}
	switch {
	case found != nil && found.vendor != v:
		d.KeyID = found.id
		d.Why = fmt.Sprintf("%s is a key of %s, sent to %s", found.id, found.vendor.title, v.title)
	case found != nil:
		d.KeyID = found.id
		d.Why = fmt.Sprintf("%s is a %s and was sent as another kind of credential", found.id, found.spec.kind)
	case v.made(&id.credentials):
		d.Why = "a well-formed mock key of " + v.title + " that this server did not issue; is it from another run?"
	default:
		d.Outcome = NotAMockKey
		d.Why = notAMockKey
		if len(id.value) > 1 && (id.value[0] == '"' || id.value[0] == '\'') {
			d.Why += " (the value starts with a quote: is the .env parsed?)"
		}
		if strings.Contains(id.value, ",") {
			d.Why += " (the value has a comma: were two fields joined into one?)"
		}
	}
	return d
}

// secondHalf is what the second half of a pair is called.
func (v *vendor) secondHalf() string {
	if v.own {
		return "second key"
	}
	return "user token"
}

func (v *vendor) made(c *credentials) bool {
	switch c.kind {
	case credClient:
		if v.own {
			return v.madeKey(c.value)
		}
		return mockkey.MadeJWT(c.value)
	case credBearer:
		return v.bearer.Made(c.value) || v.sharesBearer() && v.madeKey(c.value)
	default:
	}
	return v.madeKey(c.value)
}

// sharesBearer reports whether keys are sent where access tokens are.
func (v *vendor) sharesBearer() bool {
	return v.own && slices.ContainsFunc(v.carriers, func(c carrier) bool { return c.keys })
}

// madeKey reports whether a mock made a key of the vendor, of any of its prefixes.
func (v *vendor) madeKey(value string) bool {
	if v.key.Made(value) {
		return true
	}
	for _, shape := range v.prefixed {
		if shape.Made(value) {
			return true
		}
	}
	return false
}
