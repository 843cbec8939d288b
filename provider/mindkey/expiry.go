package mindkey

import (
	"fmt"
	"sync"
	"time"

	"github.com/keyfit/keyfit"
)

// ExpiryWarnings tells once each, 30, 14, 7 and 1 days before its end and at the end
// itself, that the key is about to stop. It has no goroutine: the program asks Due as
// often as it likes, once an hour for instance. [Client.ExpiryWarnings] makes one. It is
// safe for concurrent use.
type ExpiryWarnings struct {
	keys *keyfit.Keyring

	mu      sync.Mutex
	key     string // fingerprint and end of the key that was warned of
	expires time.Time
	said    int // the last threshold, in days
}

// ExpiryWarning says that a key is about to stop, or has stopped.
type ExpiryWarning struct {
	// Days is the threshold that was passed: 30, 14, 7 or 1, or 0 if the key has stopped.
	Days int
	// Expires is when the key stops. There is no grace: calls are refused from then on.
	Expires time.Time
	// Fingerprint names the key, see [keyfit.Credential.Fingerprint].
	Fingerprint string
}

// String is one line for a log. It has no key in it.
func (w ExpiryWarning) String() string {
	if w.Days == 0 {
		return fmt.Sprintf("mindkey: the key %s expired at %s and is refused", w.Fingerprint, w.Expires.Format(time.RFC3339))
	}
	unit := "days"
	if w.Days == 1 {
		unit = "day"
	}
	return fmt.Sprintf("mindkey: the key %s expires at %s, within %d %s, without grace: make a new one with the same scopes and rotate",
		w.Fingerprint, w.Expires.Format(time.RFC3339), w.Days, unit)
}

// ExpiryWarnings returns the warnings for the keys of the client.
func (c *Client) ExpiryWarnings() *ExpiryWarnings {
	return &ExpiryWarnings{keys: c.keyfit.Keys()}
}

// KeyExpires returns when the key in use stops, from MINDKEY_API_KEY_EXPIRES or the
// [keyfit.Credential] that a source gave; the zero time if that is not known. MindKey
// itself does not tell.
func (c *Client) KeyExpires() time.Time { return c.keyfit.Keys().Status().Current.Expires }

// Due returns the warning that the key in use has come to since it was asked last, and
// whether there is one. After a rotation it begins anew. A key whose end is not known
// gives none.
func (w *ExpiryWarnings) Due(now time.Time) (ExpiryWarning, bool) {
	status := w.keys.Status().Current
	if status.Expires.IsZero() {
		return ExpiryWarning{}, false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.key != status.Fingerprint || !w.expires.Equal(status.Expires) {
		w.key, w.expires, w.said = status.Fingerprint, status.Expires, never
	}
	days := threshold(status.Expires.Sub(now))
	if days >= w.said {
		return ExpiryWarning{}, false
	}
	w.said = days
	return ExpiryWarning{Days: days, Expires: status.Expires, Fingerprint: status.Fingerprint}, true
}

// never is above every threshold.
const never = 1 << 30

// threshold is the smallest number of days that left is within.
func threshold(left time.Duration) int {
	within := never
	for _, days := range [...]int{30, 14, 7, 1, 0} {
		if left <= time.Duration(days)*24*time.Hour {
			within = days
		}
	}
	return within
}
