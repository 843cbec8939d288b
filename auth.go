package keyfit

import (
	"context"
	"errors"
	"net/http"

	"github.com/keyfit/keyfit/internal/httpbody"
)

// maxReplays is how many other keys are tried after a refusal.
const maxReplays = 2

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
	if k.trouble != nil {
		k.trouble.turn.begin()
	}
	defer k.endTurn()
	var other *key // what to replay with; nil stands for the current one
	for {
		resp, said, err := t.attempt(k, req, other)
		if err != nil {
			return nil, err
		}
		if said != keyRefused && said != keyLacks {
			return resp, nil
		}
		replay, next, ok := k.replay(req, said)
		if ok {
			httpbody.Drain(resp)
			req, other = replay, next
			continue
		}
		if cause := k.turn().cause; errors.Is(cause, context.Canceled) { // the caller gave up while the call was held
			httpbody.Drain(resp)
			return nil, cause
		}
		return resp, nil
	}
}

// endTurn ends the call's turn as the canary of a circuit, if it has one.
func (k *call) endTurn() {
	if k.isCanary() {
		k.ring.stepDown(k.turn())
	}
}

// report tells the keyring what the answer says about the key.
func (k *call) report(said verdict) {
	switch said {
	case keyGood, keyLacks:
		k.accepted()
	case keyRefused:
		k.ring.refuse(k.turn())
	case keyMissing:
		k.ring.emit(KeyEvent{
			Kind: AuthMisconfigured, Generation: k.key.gen, Fingerprint: k.key.fingerprint,
			Reason: "the provider saw no key in " + k.method + " " + k.redactor().Text(k.path()),
		})
	case keyUnknown:
	}
}

// accepted reports an answer that proves the key. Nearly every call ends here, without a
// lock and without a turn.
func (k *call) accepted() {
	route := uint64(0)
	if k.status < http.StatusMultipleChoices {
		route = k.ring.route(k.method, k.url)
	}
	k.ring.proved(k.key, k.sent, route)
	replayed := k.trouble != nil && len(k.trouble.turn.tried) > 0
	if replayed || !k.ring.set.Load().atRest {
		k.ring.accepted(k.turn(), replayed)
	}
	if k.trouble != nil && k.trouble.turn.regressing && k.status < http.StatusMultipleChoices {
		k.ring.scopeRegressed(k.turn(), k.method+" "+k.redactor().Text(k.path()))
	}
}

const noteStream = "not sent again: the body is a stream, which cannot be replayed"

// replay prepares the request for another key, if there is one and the body can be produced
// again.
func (k *call) replay(req *http.Request, said verdict) (_ *http.Request, other *key, ok bool) {
	if !k.replayable {
		if said == keyRefused {
			k.retry().notReplayed = true
			k.addNote(noteStream)
			k.ring.refusedStream(k.turn())
		}
		return nil, nil, false
	}
	if other, ok = k.another(said); !ok {
		return nil, nil, false
	}
	replay := req.WithContext(req.Context())
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			k.retry().notReplayed = true
			k.addNote("not sent again: the body could not be produced a second time")
			return nil, nil, false
		}
		replay.Body = body
	}
	return replay, other, true
}

// another returns the key to replay the call with after its last answer; nil stands for the
// one that is current then. Where calls are held this is where the call waits.
func (k *call) another(said verdict) (other *key, ok bool) {
	t := k.turn()
	if said == keyLacks {
		if t.regressing || len(t.tried) > 0 {
			return nil, false
		}
		other, ok = k.ring.regressed(t)
		t.regressing = ok
		return other, ok
	}
	t.tried = append(t.tried, t.key.fingerprint)
	if len(t.tried) <= maxReplays {
		if next, ok := k.ring.next(t); ok {
			return next, true
		}
	}
	if k.ring.outlast(t) {
		t.tried = t.tried[:0] // something changed: each key may be tried again
		return nil, true
	}
	if t.denied != nil {
		k.addNote(t.denied.note())
	}
	return nil, false
}
