package keyfit

import (
	"context"
	"errors"
	"net/http"

	"github.com/keyfit/keyfit/internal/httpbody"
	"github.com/keyfit/keyfit/internal/keyring"
)

// transport makes the attempts of a client: it checks the destination, passes the gate,
// puts the current credential on a copy of the request, and sends the copy. No request
// above it carries a key.
type transport struct {
	origin  originCheck
	allowed operationCheck
	headers headerSetter
	jar     http.CookieJar    // the caller's; may be nil
	next    http.RoundTripper // the caller's middleware, then the pool
	pool    http.RoundTripper // the pool alone
}

// roundTrip makes an attempt, and replays it with another key if the provider refuses the
// one it carried; see [Keyring]. A provider refuses a key before it acts on the request, so
// every method may be replayed if its body can be produced again.
//
// A key that is newer is tried, once, also where the provider says that it saw none.
//
// It keeps the contract of [http.RoundTripper]: it does not change req, and it always
// closes the body of req. The request of the response is req, which carries no key.
func (t *transport) roundTrip(k *call, req *http.Request) (*http.Response, error) {
	if err := t.origin.checkRequest(req); err != nil {
		return nil, closeBody(req, err)
	}
	if err := t.allowed.check(req); err != nil {
		return nil, closeBody(req, err)
	}
	if k.trouble != nil && k.trouble.turn != nil {
		k.trouble.turn.Start()
	}
	defer k.endTurn()
	var other *keyring.Generation // the key of the replay; nil means the current one
	for {
		resp, auth, err := t.attempt(k, req, other)
		if err != nil {
			return nil, err
		}
		if auth != authRefused && auth != authScope && auth != authMissing {
			return resp, nil
		}
		replay, next, err := k.replay(req, auth)
		switch {
		case err == nil:
			httpbody.Drain(resp)
			req, other = replay, next
		case errors.Is(err, context.Canceled): // the caller canceled while the call waited for a key
			httpbody.Drain(resp)
			return nil, err
		default:
			return resp, nil
		}
	}
}

// endTurn ends the call's trial request, if it is one.
func (k *call) endTurn() {
	if k.isTrial() {
		k.trouble.turn.Finish()
	}
}

// report passes what the response says about the key to the keyring.
func (k *call) report(auth authOutcome) {
	switch auth {
	case authAccepted, authScope:
		k.accepted()
	case authRefused:
		k.turn().Refused(k.answered())
	case authMissing:
		k.turn().Missing(k.answered())
	case authUnknown:
	}
}

// accepted reports a response that proves the key. Nearly every call ends here, without a
// lock and without a turn.
func (k *call) accepted() {
	route := uint64(0)
	if k.succeeded() {
		route = k.route()
	}
	atRest := k.ring.engine.Accepted(k.key, k.sent, route)
	if !atRest || k.trouble != nil && k.trouble.turn != nil {
		k.turn().Accepted(k.answered())
	}
}

const noteNoBody = "not sent again: the body could not be produced a second time"

const noteStream = "not sent again: the body is a stream, which cannot be replayed"

var errNotReplayed = errors.New("not sent again")

// replay prepares the request to be sent again with another key; a nil key means the one
// that is current then. The error says why the request is not sent again.
func (k *call) replay(req *http.Request, auth authOutcome) (_ *http.Request, other *keyring.Generation, err error) {
	if !k.replayable {
		if auth == authRefused {
			k.retry().notReplayed = true
			k.addNote(noteStream)
			k.turn().NotReplayed()
		}
		return nil, nil, errNotReplayed
	}
	if other, err = k.otherKey(auth); err != nil {
		return nil, nil, err
	}
	replay := req.WithContext(req.Context())
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			k.retry().notReplayed = true
			k.addNote(noteNoBody)
			return nil, nil, errNotReplayed
		}
		replay.Body = body
	}
	return replay, other, nil
}

// otherKey returns the key to replay the call with after a refusal; nil means the one that
// is current then. If calls wait for a key, the call waits here.
func (k *call) otherKey(auth authOutcome) (other *keyring.Generation, err error) {
	var ok bool
	switch auth {
	case authScope:
		other, ok = k.turn().NextWithScope(k.answered())
	case authMissing:
		other, ok = k.turn().NextNewer()
	default:
		return k.anyOtherKey()
	}
	if !ok {
		return nil, errNotReplayed
	}
	return other, nil
}

// anyOtherKey returns the key to replay the call with after a refusal of the key.
func (k *call) anyOtherKey() (*keyring.Generation, error) {
	other, err := k.turn().Next()
	if denied, ok := errors.AsType[*keyring.DeniedError](err); ok {
		k.trouble.denied = denied
		if denied.Reason != "" {
			k.addNote(denied.Error())
		}
	}
	return other, err
}
