package keyfit

import (
	"context"
	"errors"
	"net/http"

	"github.com/keyfit/keyfit/internal/httpbody"
	"github.com/keyfit/keyfit/internal/keyring"
)

// transport makes the attempts of a client: it checks where the request goes, passes the
// gate, puts the current credential on a copy of the request, and sends that. Above it no
// request holds a key.
type transport struct {
	origin  originCheck
	headers headerSetter
	jar     http.CookieJar    // the caller's; may be nil
	next    http.RoundTripper // the caller's middleware, then the pool
}

// roundTrip makes an attempt, and replays it with another key when the provider refuses the
// one it carried; see [Keyring]. A refusal comes before any effect, so every method may be
// replayed, provided that its body can be produced again.
//
// It keeps the contract of [http.RoundTripper]: req is not changed, and its body is closed
// in every case. The answer's request is req, which holds no key.
func (t *transport) roundTrip(k *call, req *http.Request) (*http.Response, error) {
	if err := t.origin.check(req.URL); err != nil {
		return nil, closeBody(req, err)
	}
	if k.trouble != nil && k.trouble.turn != nil {
		k.trouble.turn.Start()
	}
	defer k.endTurn()
	var other *keyring.Generation // what to replay with; nil stands for the current one
	for {
		resp, said, err := t.attempt(k, req, other)
		if err != nil {
			return nil, err
		}
		if said != authRefused && said != authScope {
			return resp, nil
		}
		replay, next, err := k.replay(req, said)
		switch {
		case err == nil:
			httpbody.Drain(resp)
			req, other = replay, next
		case errors.Is(err, context.Canceled): // the caller gave up while the call waited for a key
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

// report tells the keyring what the answer says about the key.
func (k *call) report(said authOutcome) {
	switch said {
	case authAccepted, authScope:
		k.accepted()
	case authRefused:
		k.turn().Refused(k.answered())
	case authMissing:
		k.turn().Missing(k.answered())
	case authUnknown:
	}
}

// accepted reports an answer that proves the key. Nearly every call ends here, without a
// lock and without a turn.
func (k *call) accepted() {
	route := uint64(0)
	if k.status < http.StatusMultipleChoices {
		route = k.route()
	}
	atRest := k.ring.engine.Accepted(k.key, k.sent, route)
	if !atRest || k.trouble != nil && k.trouble.turn != nil {
		k.turn().Accepted(k.answered())
	}
}

const noteStream = "not sent again: the body is a stream, which cannot be replayed"

var errNotReplayed = errors.New("not sent again")

// replay prepares the request for another key, which is nil for the one that is current
// then. The error says why it is not to be sent again.
func (k *call) replay(req *http.Request, said authOutcome) (_ *http.Request, other *keyring.Generation, err error) {
	if !k.replayable {
		if said == authRefused {
			k.retry().notReplayed = true
			k.addNote(noteStream)
			k.turn().NotReplayed()
		}
		return nil, nil, errNotReplayed
	}
	if other, err = k.otherKey(said); err != nil {
		return nil, nil, err
	}
	replay := req.WithContext(req.Context())
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			k.retry().notReplayed = true
			k.addNote("not sent again: the body could not be produced a second time")
			return nil, nil, errNotReplayed
		}
		replay.Body = body
	}
	return replay, other, nil
}

// otherKey returns the key to replay the call with after its last answer; nil stands for the
// one that is current then. Where calls are held, this is where the call waits.
func (k *call) otherKey(said authOutcome) (*keyring.Generation, error) {
	if said == authScope {
		if other, ok := k.turn().NextWithScope(k.answered()); ok {
			return other, nil
		}
		return nil, errNotReplayed
	}
	other, err := k.turn().Next()
	if denied, ok := errors.AsType[*keyring.DeniedError](err); ok {
		k.trouble.denied = denied
		if denied.Reason != "" {
			k.addNote(denied.Error())
		}
	}
	return other, err
}
