package mockserver

import (
	"bytes"
	"net/http"
	"strings"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// refuse answers a refused request as the profile says.
func (x *exchange) refuse(route *surface.Route) {
	if !x.refuseAsPage(route) {
		x.refuseAs(x.judgement.Outcome, x.judgement.quota)
	}
}

// refuseAs writes the vendor's answer to an outcome.
func (x *exchange) refuseAs(o Outcome, q quota) {
	addMissing(x.Header(), x.v.refusing(o))
	x.refuseWith(x.profile().answer(o, x.id.blame), q)
}

func (x *exchange) refuseWith(a Answer, q quota) {
	contentType, body := x.profile().render(a, seconds(q.retryAfter))
	if a.Status == http.StatusTooManyRequests {
		x.judgement.quota = q
	}
	if x.v.own {
		body = bytes.ReplaceAll(body, []byte("{scope}"), []byte(escapeFor(contentType, x.judgement.scope)))
	}
	if x.v.requestID != "" {
		body = bytes.ReplaceAll(body, []byte("{requestId}"), []byte(x.v.number(x.Header())))
	}
	if x.v.own && x.judgement.Outcome == InvalidRequest {
		body = bytes.ReplaceAll(body, []byte("{problem}"), []byte(escapeFor(contentType, x.judgement.Why)))
	}
	if a.Challenge != "" {
		x.Header().Set("WWW-Authenticate", strings.ReplaceAll(a.Challenge, "{scope}", x.judgement.scope))
	}
	surface.Raw(x, a.Status, contentType, body)
}

// refuseAsPage answers a refused credential as the operation's own page prints
// it. It reports false when the profile does not ask for that or the page
// prints nothing.
func (x *exchange) refuseAsPage(route *surface.Route) bool {
	p := x.profile()
	if route == nil || p.Variants&PageRefusals == 0 {
		return false
	}
	r := x.pageRefusal(&route.Page)
	if r.Status == 0 {
		return false
	}
	shape := Enveloped
	if r.Flat {
		shape = Flat
	}
	contentType, body := p.render(Answer{Status: r.Status, Code: r.Code, Message: r.Message, Shape: shape}, 0)
	surface.Raw(x, r.Status, contentType, body)
	return true
}

func (x *exchange) pageRefusal(page *surface.Page) surface.Refusal {
	switch x.judgement.Outcome {
	case RateLimited, NotFound:
		return surface.Refusal{}
	case InsufficientScope, AccessDenied:
		return page.Right
	case MissingKey, WrongHeader, WrongScheme:
		return page.Missing
	case MissingPair:
		if x.id.blame == credClient { // the client key came alone
			return page.Token
		}
		return surface.Refusal{}
	default:
	}
	switch x.id.blame {
	case credClient:
		return page.Client
	case credToken:
		return page.Token
	default:
		return page.Key
	}
}

// refuser is surface.Refuser for the operation of an exchange. A surface
// promises not to quote the request; redacting makes sure of it.
type refuser struct{ x *exchange }

// Forbid implements surface.Refuser.
func (ref refuser) Forbid(why string) { ref.x.judgement.refuse(InsufficientScope, ref.x.redact(why)) }

// Explain implements surface.Refuser. The reasons are constant texts and IDs.
func (ref refuser) Explain(outcome, why string) {
	j := &ref.x.judgement
	j.refuse(Outcome(outcome), why)
	j.foreign = j.foreign || j.Outcome == NotAMockKey
}

// Deny implements surface.Refuser.
func (ref refuser) Deny(why string) {
	ref.Forbid(why)
	ref.x.refuseAs(InsufficientScope, quota{})
}

// Limit implements surface.Refuser.
func (ref refuser) Limit(wait time.Duration, why string) {
	ref.x.judgement.RetryAfter = wait
	ref.x.judgement.refuse(RateLimited, ref.x.redact(why))
	ref.x.refuseAs(RateLimited, quota{retryAfter: wait})
}
