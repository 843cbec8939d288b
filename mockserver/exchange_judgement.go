package mockserver

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// judgement is what becomes of a request, and why.
type judgement struct {
	Diagnosis
	foreign bool   // a credential that no mock made was presented: record nothing of it
	scope   string // what the route asks for, for the challenge of a refusal
	fault   string // injected faults, in words
	quota   quota  // what the key's limit said
}

// refuse sets outcome and reason, and keeps the rest.
func (jd *judgement) refuse(o Outcome, why string) { jd.Outcome, jd.Why = o, why }

// blameFault makes the injected faults the reason.
func (jd *judgement) blameFault() {
	jd.Diagnosis = Diagnosis{Outcome: Faulted, KeyID: jd.KeyID, Why: "injected fault: " + jd.fault}
}

// addFault notes an injected fault.
func (jd *judgement) addFault(text string) {
	if jd.fault != "" {
		jd.fault += ", "
	}
	jd.fault += text
}

// judge adds what the route needs to what authenticate said. nil is no route.
func (x *exchange) judge(route *surface.Route) {
	if route != nil && route.Need.Open {
		x.judgement.Diagnosis = Diagnosis{Outcome: OK, KeyID: x.judgement.KeyID}
		return
	}
	if route != nil && route.Need.First && x.id.forgo(x.v) {
		x.judgement.Diagnosis = x.id.authenticate(x.v, x.req.at)
		x.judgement.foreign = x.judgement.Outcome == NotAMockKey
	}
	if x.judgement.Outcome != OK {
		return
	}
	x.call.Caller = x.id.key.caller()
	if x.id.token != nil {
		x.call.Caller.User = x.id.token.spec.user
	}
	if route != nil {
		x.judgement.scope = route.Need.Scope
		if len(route.Need.Scopes) > 0 {
			x.judgement.scope = strings.TrimSpace(route.Need.Scope + " " + strings.Join(route.Need.Scopes, " "))
		}
		if d := permit(x.v, &route.Need, &x.call.Caller); d.Outcome != OK {
			x.judgement.Diagnosis = d
		}
	}
}

// judgeAgain judges the credential after a delay: it may have ended meanwhile.
// A refusal by the route stands.
func (x *exchange) judgeAgain() {
	if x.judgement.Outcome == OK && x.id.key != nil {
		x.judgement.Diagnosis = x.id.authenticate(x.v, x.ns.clock.Now())
	}
}

// admit asks the key's limit and stamps the last use. Only a request that would
// succeed otherwise gets here: a refused one consumes nothing.
func (x *exchange) admit(group string) {
	if limit, window := x.ns.windowOf(x.id.key, group); !limit.none() {
		var q quota
		if x.answer.phase == arriving {
			q = window.admit(limit, x.req.at, x.ns.clock.Now)
		} else { // it has waited
			q = window.take(*limit, x.ns.clock.Now, false)
		}
		x.judgement.quota = q
		if q.retryAfter > 0 {
			x.judgement.RetryAfter = q.retryAfter
			x.judgement.refuse(RateLimited, fmt.Sprintf("%s used its %d requests per %s; room again in %s",
				x.judgement.KeyID, limit.Requests, limit.Per, q.retryAfter))
			return
		}
	}
	x.id.learnFingerprints()
	x.id.key.touch(x.req.at)
	if x.id.token != nil {
		x.id.token.touch(x.req.at)
	}
}

// permit judges whether an authenticated caller may use a route.
func permit(v *vendor, need *surface.Need, caller *surface.Caller) Diagnosis {
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
	case lacked(need, caller) != "":
		return Diagnosis{Outcome: InsufficientScope, KeyID: caller.KeyID, Why: fmt.Sprintf("%s lacks scope %#q", caller.KeyID, lacked(need, caller))}
	case need.Access != nil && !slices.Contains(need.Access, caller.Access) && (!need.Shared || caller.Attributes == nil):
		why := fmt.Sprintf("%s has access type %#q, which may not call this function", caller.KeyID, caller.Access)
		if need.Shared {
			why += "; a key that was issued with the customer attributes that it shares may"
		}
		return Diagnosis{Outcome: AccessDenied, KeyID: caller.KeyID, Why: why}
	}
	return Diagnosis{Outcome: OK, KeyID: caller.KeyID}
}

// lacked is the first of Need.Scopes that a caller does not have, "" if there is none.
func lacked(need *surface.Need, caller *surface.Caller) string {
	for _, s := range need.Scopes {
		if !slices.Contains(caller.Scopes, s) {
			return s
		}
	}
	return ""
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
