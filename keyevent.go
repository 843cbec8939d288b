package keyfit

import (
	"context"
	"log/slog"
	"time"

	"github.com/keyfit/keyfit/internal/keyring"
)

// KeyEventKind says what happened to a key.
type KeyEventKind string

// The events of a [Keyring].
const (
	KeyStaged          KeyEventKind = "key.staged"           // the source offered a new key, which is not used yet
	KeyVerified        KeyEventKind = "key.verified"         // the provider accepted a staged key
	KeyRejected        KeyEventKind = "key.rejected"         // the provider refused a staged key, which is probed again later; or the probe of Rotate failed
	KeyPromoted        KeyEventKind = "key.promoted"         // a key became current
	KeyRollback        KeyEventKind = "key.rollback"         // the previous key became current again, because the operator or the source wants it
	KeyDemoted         KeyEventKind = "key.demoted"          // the previous key became current again, because the provider refuses its successor
	KeyRefused         KeyEventKind = "key.refused"          // the provider refused a key in a call
	KeyFallback        KeyEventKind = "key.fallback"         // the provider accepted the previous key where it refused the current one
	KeyScopeRegression KeyEventKind = "key.scope_regression" // the current key lacks a permission that the previous one has
	KeyExpiring        KeyEventKind = "key.expiring"         // the current key expires in 30, 14, 7 or 1 days
	KeyExpired         KeyEventKind = "key.expired"          // the current key has expired by its date; it stays current until there is another
	KeyRotationDue     KeyEventKind = "key.rotation_due"     // the current key, whose end is not known, is as old as [Provider.RotateEvery], or twice, three times as old
	KeyRetired         KeyEventKind = "key.retired"          // the ring dropped a key
	KeySafeToRevoke    KeyEventKind = "key.safe_to_revoke"   // this program has not used a replaced key for the DrainTime
	SourceStale        KeyEventKind = "source.stale"         // the source failed; the last good key stays current
	CircuitOpen        KeyEventKind = "circuit.open"         // the provider refuses every key: only trial requests are sent
	CircuitClosed      KeyEventKind = "circuit.closed"       // calls are sent normally again
	AuthMisconfigured  KeyEventKind = "auth.misconfigured"   // the provider received no key: the scheme is wrong, or an intermediary removed it
	KeyExposed         KeyEventKind = "key.exposed"          // others can read the file with the key, or git tracks it; once for each file
	KeyShared          KeyEventKind = "key.shared"           // a variable of another product has the same key; see [WithEnvPrefix]; reported by [New]
	BaseURLIgnored     KeyEventKind = "base_url.ignored"     // a .env file has a base URL, and the key is from another place; reported by [New]
	DotEnvIgnored      KeyEventKind = "dotenv.ignored"       // a .env file cannot be read, and nothing of it is needed: the key is from another place; reported by [New]
)

// KeyEvent is one event of a [Keyring]. It holds fingerprints, never keys.
type KeyEvent struct {
	Kind        KeyEventKind
	Time        time.Time
	Provider    string    // "" if the ring does not know it; see [ForProvider]
	Generation  uint64    // of the key the event is about; 0 if it never became current
	Fingerprint string    // of that key
	Previous    string    // fingerprint of the other key involved; "" if none
	Reason      string    // one line
	Expires     time.Time // of that key, if the event is KeyExpiring or KeyExpired; else zero
}

// LogValue returns the event as a group of attributes.
func (ev KeyEvent) LogValue() slog.Value {
	return slog.GroupValue(append([]slog.Attr{slog.String("kind", string(ev.Kind))}, ev.attrs()...)...)
}

// attrs returns the attributes of the event but its kind.
func (ev KeyEvent) attrs() []slog.Attr {
	attrs := []slog.Attr{
		slog.String("provider", ev.Provider), slog.Uint64("generation", ev.Generation), slog.String("key", ev.Fingerprint),
		slog.String("previous", ev.Previous), slog.String("reason", ev.Reason),
	}
	if !ev.Expires.IsZero() {
		attrs = append(attrs, slog.Time("expires", ev.Expires))
	}
	return attrs
}

// log writes the event as one log line: at info level if it is part of normal operation, at
// warn level if somebody should look at it.
func (ev KeyEvent) log(to *slog.Logger) {
	level := slog.LevelWarn
	switch ev.Kind {
	case KeyStaged, KeyVerified, KeyPromoted, KeyRetired, KeySafeToRevoke, CircuitClosed:
		level = slog.LevelInfo
	case KeyRejected, KeyRollback, KeyDemoted, KeyRefused, KeyFallback, KeyScopeRegression, KeyExpiring, KeyExpired, KeyRotationDue, SourceStale, CircuitOpen, AuthMisconfigured, KeyExposed, KeyShared, BaseURLIgnored, DotEnvIgnored:
	}
	to.LogAttrs(context.Background(), level, string(ev.Kind), ev.attrs()...)
}

// event converts an event of the engine.
func (ring *Keyring) event(e keyring.Event) KeyEvent {
	return KeyEvent{
		Kind: KeyEventKind(e.Kind), Time: e.Time, Provider: ring.provider, Generation: e.Generation,
		Fingerprint: e.Fingerprint, Previous: e.Previous, Reason: e.Reason, Expires: e.Expires,
	}
}
