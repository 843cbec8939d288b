package keyfit

import "net/http"

// maxReplays is how many other keys are tried after a refusal.
const maxReplays = 2

// judge tells the ring what the answer says of the key.
func (k *call) judge() {
	switch k.verdict {
	case keyGood, keyLacks:
		k.ring.good(k, len(k.tried) > 0)
		if k.regressing && k.status < http.StatusMultipleChoices {
			k.ring.scopeRegressed(k)
		}
	case keyRefused:
		k.ring.refuse(k)
	case keyMissing:
		k.ring.emit(KeyEvent{Kind: AuthMisconfigured, Generation: k.key.gen, Fingerprint: k.key.fingerprint, Reason: "the provider saw no key in " + k.method + " " + k.redactor().Text(k.path)})
	case keyUnknown:
	}
}

// another returns the key to replay the call with after its last answer; nil stands for the
// one that is current then. Where calls are held this is where the call waits.
func (k *call) another() (other *key, ok bool) {
	if k.verdict == keyLacks {
		if k.regressing || len(k.tried) > 0 {
			return nil, false
		}
		other, ok = k.ring.regressed(k)
		k.regressing = ok
		return other, ok
	}
	k.tried = append(k.tried, k.key.fingerprint)
	if len(k.tried) <= maxReplays {
		if next, ok := k.ring.next(k, k.tried); ok {
			return next, true
		}
	}
	if !k.ring.outlast(k, k.tried) {
		return nil, false
	}
	k.tried = k.tried[:0] // there is news: each key may be tried again
	return nil, true
}

// scopeRegressed tells that the previous key was good for what the current one may not do.
func (k *Keyring) scopeRegressed(c *call) {
	current := k.set.Load().current
	k.emit(KeyEvent{
		Kind: KeyScopeRegression, Generation: current.gen, Fingerprint: current.fingerprint, Previous: c.key.fingerprint,
		Reason: "the previous key may do " + c.method + " " + c.redactor().Text(c.path) + ", and the current one may not",
	})
}
