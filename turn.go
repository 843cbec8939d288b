package keyfit

import (
	"context"
	"time"
)

// turn is what the keyring knows about one call whose key was refused, or that met the
// circuit. A call that goes well has none. The first group is the call's to set, the rest
// is the keyring's alone.
type turn struct {
	ctx        context.Context //nolint:containedctx // of the call, which waits with it
	replayable bool            // the body can be sent again
	route      uint64          // what the call asks for; see [Keyring.route]
	key        *key            // of the last attempt
	sent       time.Duration   // when that left, by the ring's clock
	refusal    *APIError       // what it was answered, if that was an error

	tried      []string  // fingerprints of the keys that were refused
	canary     *circuit  // the circuit that this call tries keys for
	vain       *circuit  // the circuit that it was a canary of in vain
	thorough   bool      // as a canary it tries all keys
	patience   time.Time // end of its wait for a usable key; zero if it was never held
	anew       int       // how often it went on with a key that came after it had tried all
	alone      int       // how often it was refused while others were not
	regressing bool      // the previous key is tried for a permission
	unusable   bool      // it was held in vain
	denied     *denied   // and why
	cause      error     // the end of its context, if it was held then
}

// begin forgets what earlier attempts tried: each key may be tried again.
func (t *turn) begin() { t.tried, t.regressing = t.tried[:0], false }

// denied is a call that the circuit keeps back, since the provider refuses every key.
type denied struct {
	reason string
	since  time.Time
	last   *APIError // the provider's last refusal, of any call; it must not be changed
	cause  error     // why the wait for a key ended; nil if that was the ring's own time
}

func (d *denied) Error() string { return d.note() }

func (d *denied) note() string {
	return joinNotes(d.reason, "since "+d.since.UTC().Format(time.RFC3339))
}
