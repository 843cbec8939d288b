package mockserver

import (
	"fmt"
	"slices"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/mockkey"
	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// identity is the records behind what was presented.
type identity struct {
	key   *record // the key, client key or bearer token; nil when unknown
	token *record // the user token of a pair
}

// identify looks the credential up. It says nothing about validity.
func (s *Server) identify(c *credentials) identity {
	var id identity
	if c.outcome != OK {
		return id
	}
	id.key = s.vault.find(hashCredential(c.value))
	if c.kind == credClient {
		id.token = s.vault.find(hashCredential(c.token))
	}
	return id
}

// authenticate judges a credential at a time: is it known, is it of this
// vendor and kind, does it still live. The answer is OK or a refusal.
func authenticate(v *vendor, c *credentials, id identity, now time.Time) Diagnosis {
	if c.outcome != OK {
		return Diagnosis{Outcome: c.outcome, Sent: c.sent, Want: v.want, Why: c.why}
	}
	c.blame = c.kind
	if id.key == nil || id.key.vendor != v || !id.key.fits(c.kind) {
		return unknown(v, c, id.key)
	}
	if c.kind == credClient {
		if d := authenticateToken(v, c, id, now); d.Outcome != OK {
			return d
		}
	}
	if d := id.key.alive(v, now); d.Outcome != OK {
		return d
	}
	return Diagnosis{Outcome: OK, KeyID: id.key.id}
}

func authenticateToken(v *vendor, c *credentials, id identity, now time.Time) Diagnosis {
	t := id.token
	c.blame = credToken
	if t == nil || t.vendor != v || t.spec.kind != KindToken || t.ns != id.key.ns {
		return Diagnosis{
			Outcome: UnknownKey, Sent: "`IM-Authorization`", Want: v.want, KeyID: id.key.id,
			Why: "the user token in `IM-Authorization` is not one that this server issued",
		}
	}
	if l := id.key.life.Load(); l.revoked != 0 {
		c.blame = credClient
		return id.key.alive(v, now) // a revoked client key is said first: no token helps
	}
	d := t.alive(v, now)
	if d.Outcome == OK {
		c.blame = credClient
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
	default:
		return d
	}
	if l.replacedBy != "" {
		d.Why += "; its successor is " + l.replacedBy
	}
	d.Want = v.want
	return d
}

const notAMockKey = "no mock ever made this key: it may be a production key, so it was not recorded; issue one with Keys().Issue"

// unknown tells a mock key that is not valid here from a string no mock made.
func unknown(v *vendor, c *credentials, found *record) Diagnosis {
	d := Diagnosis{Outcome: UnknownKey, Want: v.want, Sent: "a key"}
	switch {
	case found != nil && found.vendor != v:
		d.KeyID = found.id
		d.Why = fmt.Sprintf("%s is a key of %s, sent to %s", found.id, found.vendor.title, v.title)
	case found != nil:
		d.KeyID = found.id
		d.Why = fmt.Sprintf("%s is a %s and was sent as another kind of credential", found.id, found.spec.kind)
	case v.made(c):
		d.Why = "a well-formed mock key of " + v.title + " that this server did not issue; is it from another run?"
	default:
		d.Outcome = NotAMockKey
		d.Why = notAMockKey
		if len(c.value) > 1 && (c.value[0] == '"' || c.value[0] == '\'') {
			d.Why += " (the value starts with a quote: is the .env parsed?)"
		}
	}
	return d
}

func (v *vendor) made(c *credentials) bool {
	switch c.kind {
	case credClient:
		return mockkey.MadeJWT(c.value)
	case credBearer:
		return v.bearer.Made(c.value)
	default:
	}
	return v.key.Made(c.value)
}

// permit judges whether an authenticated caller may use a route.
func permit(v *vendor, need surface.Need, caller *surface.Caller) Diagnosis {
	switch {
	case need.Kinds != 0 && need.Kinds&caller.Kind == 0:
		return Diagnosis{
			Outcome: InsufficientScope, KeyID: caller.KeyID,
			Why: "this operation wants " + kindNames(need.Kinds) + ", not " + kindNames(caller.Kind),
		}
	case need.Scope != "" && !slices.Contains(caller.Scopes, need.Scope):
		why := fmt.Sprintf("%s lacks scope %#q", caller.KeyID, need.Scope)
		if v.provider == MindKey {
			why += "; MindKey answers 404 to that, never 403"
		}
		return Diagnosis{Outcome: InsufficientScope, KeyID: caller.KeyID, Why: why}
	case need.Access != nil && !slices.Contains(need.Access, caller.Access):
		return Diagnosis{
			Outcome: AccessDenied, KeyID: caller.KeyID,
			Why: fmt.Sprintf("%s has access type %#q, which may not call this function", caller.KeyID, caller.Access),
		}
	}
	return Diagnosis{Outcome: OK, KeyID: caller.KeyID}
}

func kindNames(k surface.Kind) string {
	switch k {
	case surface.Key:
		return "an API key"
	case surface.Pair:
		return "a client key with a user token"
	case surface.Bearer:
		return "a bearer token"
	}
	return "another kind of credential"
}
