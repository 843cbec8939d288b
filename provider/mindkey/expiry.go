package mindkey

import (
	"fmt"
	"sync"
	"time"

	"github.com/keyfit/keyfit"
)

// ExpiryWarnings warns once each 30, 14, 7 and 1 days before the current key expires, and
// when it has expired. It runs no goroutine: the program calls Due regularly, for example
// once an hour. [Client.ExpiryWarnings] creates one. It is safe for concurrent use.
type ExpiryWarnings struct {
	keys *keyfit.Keyring

	mu      sync.Mutex
	key     string // fingerprint and expiry of the key of the last warning
	expires time.Time
	warned  int // the last threshold, in days
}

// ExpiryWarning is a warning that a key is about to expire or has expired.
type ExpiryWarning struct {
	// Days is the threshold that was passed: 30, 14, 7 or 1; 0 if the key has expired.
	Days int
	// Expires is when the key expires. There is no grace period.
	Expires time.Time
	// Fingerprint identifies the key, see [keyfit.Credential.Fingerprint].
	Fingerprint string
}

// String returns one line for a log, without the key.
func (w ExpiryWarning) String() string {
	if w.Days == 0 {
		return fmt.Sprintf("mindkey: the key %s expired at %s and is refused", w.Fingerprint, w.Expires.Format(time.RFC3339))
	}
	unit := "days"
	if w.Days == 1 {
		unit = "day"
	}
	return fmt.Sprintf("mindkey: the key %s expires at %s, within %d %s, without a grace period: create a new key with the same scopes and rotate",
		w.Fingerprint, w.Expires.Format(time.RFC3339), w.Days, unit)
}

// ExpiryWarnings returns expiry warnings for the keys of the client.
func (c *Client) ExpiryWarnings() *ExpiryWarnings {
	return &ExpiryWarnings{keys: c.keyfit.Keys()}
}

// KeyExpires returns when the current key expires, according to MINDKEY_API_KEY_EXPIRES or
// the [keyfit.Credential] of a source; the zero time if unknown. MindKey itself does not
// report the expiry.
func (c *Client) KeyExpires() time.Time { return c.keyfit.Keys().Status().Current.Expires }

// Due returns the warning that has become due for the current key since the last call, and
// whether there is one. It starts over after a rotation. A key without a known expiry gives
// no warning.
func (w *ExpiryWarnings) Due(now time.Time) (ExpiryWarning, bool) {
	status := w.keys.Status().Current
	if status.Expires.IsZero() {
		return ExpiryWarning{}, false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.key != status.Fingerprint || !w.expires.Equal(status.Expires) {
		w.key, w.expires, w.warned = status.Fingerprint, status.Expires, never
	}
	days := threshold(status.Expires.Sub(now))
	if days >= w.warned {
		return ExpiryWarning{}, false
	}
	w.warned = days
	return ExpiryWarning{Days: days, Expires: status.Expires, Fingerprint: status.Fingerprint}, true
}

// never is greater than every threshold.
const never = 1 << 30

// threshold returns the smallest threshold, in days, that left does not exceed.
func threshold(left time.Duration) int {
	within := never
	for _, days := range [...]int{30, 14, 7, 1, 0} {
		if left <= time.Duration(days)*24*time.Hour {
			within = days
		}
	}
	return within
}
