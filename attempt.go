package keyfit

import (
	"net/http"
	"time"

	"github.com/keyfit/keyfit/internal/keyring"
)

// attempt makes one attempt: it takes a permit from the gate, sends the request with a key,
// and passes what the response says to the gate, the keyring and the retry loop. given is
// the key of a replay; nil means the key that is current once the gate lets the attempt
// through. auth is what the response says about the key.
//
// Every attempt of every call is made here: the first one, retries, redirects and replays.
// So all of them are paced, and all carry the newest key.
func (t *transport) attempt(k *call, req *http.Request, given *keyring.Generation) (resp *http.Response, auth authOutcome, err error) {
	with, permit, began, err := k.enter(given)
	if err != nil {
		return nil, authUnknown, closeBody(req, err)
	}
	out, arrived := Outcome{Remaining: -1}, time.Duration(0)
	with.Begin()
	defer func() { // runs after a panic too
		if arrived == 0 || out.StatusCode >= http.StatusMultipleChoices { // reading an error body took time
			arrived = k.client.clock.Now()
		}
		with.End(k.sent)
		k.keepsPlace = permit.leave(&out, k.client.gateTime(arrived))
	}()
	k.begins(with, began-k.ring.engine.Clock().Lag(k.client.clock))
	k.ring.engine.Look(k.sent)
	ctx, other := k.attemptStarts()
	resp, err = t.send(k, ctx, other, req)
	arrived = k.client.clock.Now()
	if err != nil {
		out.Unsent = k.retry().unsent
	} else {
		auth = k.read(resp, &out)
		k.report(auth)
	}
	if err != nil || k.status >= http.StatusMultipleChoices {
		k.record(err, arrived-began)
	}
	if k.client.obs.wantsAttempts() {
		k.observe(ctx, resp, err, arrived-began)
	}
	return resp, auth, err
}
