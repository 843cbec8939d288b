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
	KeyStaged          KeyEventKind = "key.staged"           // the source offered a key, which is not yet used
	KeyVerified        KeyEventKind = "key.verified"         // the provider accepted it
	KeyRejected        KeyEventKind = "key.rejected"         // the provider refused it; it is tried again
	KeyPromoted        KeyEventKind = "key.promoted"         // a key became current
	KeyRollback        KeyEventKind = "key.rollback"         // the previous key became current again: the operator or the source wants it
	KeyDemoted         KeyEventKind = "key.demoted"          // the same, since the provider accepts it and not its successor
	KeyRefused         KeyEventKind = "key.refused"          // the provider refused a key in a call
	KeyFallback        KeyEventKind = "key.fallback"         // the previous key was accepted where the current was not
	KeyScopeRegression KeyEventKind = "key.scope_regression" // a new key lacks a permission that the previous one had
	KeyExpiring        KeyEventKind = "key.expiring"         // the current key ends in 30, 14, 7 or 1 days
	KeyExpired         KeyEventKind = "key.expired"          // the current key ended by its date; it stays until another one is usable
	KeyRetired         KeyEventKind = "key.retired"          // a key was dropped
	KeySafeToRevoke    KeyEventKind = "key.safe_to_revoke"   // this program has not used a replaced key for the [DrainTime]
	SourceStale        KeyEventKind = "source.stale"         // the source failed; the last good key stays
	CircuitOpen        KeyEventKind = "circuit.open"         // every key is refused: one trial request at a time is sent
	CircuitClosed      KeyEventKind = "circuit.closed"       // calls are sent freely again
	AuthMisconfigured  KeyEventKind = "auth.misconfigured"   // the provider saw no key: the scheme is wrong, or something took it off
)

// KeyEvent is one event of a [Keyring]. It holds fingerprints, never keys.
type KeyEvent struct {
	Kind        KeyEventKind
	Time        time.Time
	Provider    string // "" if not known, see [ForProvider]
	Generation  uint64 // of the key the event is about; 0 if it never became current
	Fingerprint string // of that key
	Previous    string // fingerprint of the other key involved; "" if none
	Reason      string // one line
}

// LogValue is the event as a group of attributes.
func (ev KeyEvent) LogValue() slog.Value {
	return slog.GroupValue(slog.String("kind", string(ev.Kind)), slog.String("provider", ev.Provider), slog.Uint64("generation", ev.Generation),
		slog.String("key", ev.Fingerprint), slog.String("previous", ev.Previous), slog.String("reason", ev.Reason))
}

// log writes the event as a line of its own: info for what goes as it should, warn for what
// somebody should look at.
func (ev KeyEvent) log(to *slog.Logger) {
	level := slog.LevelWarn
	switch ev.Kind {
	case KeyStaged, KeyVerified, KeyPromoted, KeyRetired, KeySafeToRevoke, CircuitClosed:
		level = slog.LevelInfo
	case KeyRejected, KeyRollback, KeyDemoted, KeyRefused, KeyFallback, KeyScopeRegression, KeyExpiring, KeyExpired, SourceStale, CircuitOpen, AuthMisconfigured:
	}
	to.LogAttrs(context.Background(), level, string(ev.Kind), slog.String("provider", ev.Provider),
		slog.Uint64("generation", ev.Generation), slog.String("key", ev.Fingerprint),
		slog.String("previous", ev.Previous), slog.String("reason", ev.Reason))
}

// event is an event of the engine as callers see it.
func (ring *Keyring) event(e keyring.Event) KeyEvent {
	return KeyEvent{
		Kind: KeyEventKind(e.Kind), Time: e.Time, Provider: ring.provider, Generation: e.Generation,
		Fingerprint: e.Fingerprint, Previous: e.Previous, Reason: e.Reason,
	}
}
