package keyfit

import (
	"net/http"
	"time"

	"github.com/keyfit/keyfit/internal/keyring"
)

// attempt makes one attempt: it takes a permit of the gate, sends the request with a key,
// and takes from the answer what the gate, the keyring and the retry loop need to know.
// given is the key of a replay; nil stands for the one that is current once the gate is
// passed. said is what the answer says about the key.
//
// Every attempt of every call is made here: the first one, retries, redirects and replays.
// So all of them are paced, and all carry the newest key.
func (t *transport) attempt(k *call, req *http.Request, given *keyring.Generation) (resp *http.Response, said authOutcome, err error) {
	with, permit, began, err := k.enter(given)
	if err != nil {
		return nil, authUnknown, closeBody(req, err)
	}
	out, back := Outcome{Remaining: -1}, time.Duration(0)
	with.Begin()
	defer func() { // also if something below panics
		if back == 0 || out.StatusCode >= http.StatusMultipleChoices { // reading an error took its time
			back = k.client.clock.Now()
		}
		with.End(k.sent)
		permit.leave(&out, k.client.gateTime(back))
	}()
	k.begins(with, began-k.ring.engine.Clock().Lag(k.client.clock))
	resp, err = t.send(k, req)
	back = k.client.clock.Now()
	if err != nil {
		out.Unsent = k.retry().unsent
	} else {
		said = k.read(resp, &out)
		k.report(said)
	}
	if k.client.obs.wantsAttempts() {
		k.observe(resp, err, back-began)
	}
	return resp, said, err
}
