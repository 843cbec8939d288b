package keyfit_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/keyring"
)

// TestTheEngineAndTheCallerSayTheSame: the engine's kinds of events and states are converted
// by their text.
func TestTheEngineAndTheCallerSayTheSame(t *testing.T) {
	t.Parallel()
	want := []keyfit.KeyEventKind{
		keyfit.KeyStaged, keyfit.KeyVerified, keyfit.KeyRejected, keyfit.KeyPromoted, keyfit.KeyRollback, keyfit.KeyDemoted, keyfit.KeyRefused,
		keyfit.KeyFallback, keyfit.KeyScopeRegression, keyfit.KeyExpiring, keyfit.KeyExpired, keyfit.KeyRotationDue, keyfit.KeyRetired, keyfit.KeySafeToRevoke,
		keyfit.SourceStale, keyfit.CircuitOpen, keyfit.CircuitClosed, keyfit.AuthMisconfigured,
	}
	var got []keyfit.KeyEventKind
	for _, kind := range []keyring.EventKind{
		keyring.KeyStaged, keyring.KeyVerified, keyring.KeyRejected, keyring.KeyPromoted, keyring.KeyRollback, keyring.KeyDemoted, keyring.KeyRefused,
		keyring.KeyFallback, keyring.KeyScopeRegression, keyring.KeyExpiring, keyring.KeyExpired, keyring.KeyRotationDue, keyring.KeyRetired, keyring.KeySafeToRevoke,
		keyring.SourceStale, keyring.CircuitOpened, keyring.CircuitClosed, keyring.AuthMisconfigured,
	} {
		got = append(got, keyfit.KeyEventKind(kind))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	states := map[keyring.State]keyfit.KeyState{
		keyring.Staged: keyfit.StateStaged, keyring.Verified: keyfit.StateVerified, keyring.Rejected: keyfit.StateRejected,
		keyring.Current: keyfit.StateCurrent, keyring.Previous: keyfit.StatePrevious,
	}
	for state, want := range states {
		if got := keyfit.KeyState(state.String()); got != want {
			t.Errorf("the state %q, want %q", got, want)
		}
	}
}
