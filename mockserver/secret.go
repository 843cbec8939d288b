package mockserver

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/keyfit/keyfit/mockserver/internal/redact"
)

const redacted = redact.Mark

// Secret holds a key or token that cannot be printed by accident: every fmt verb,
// JSON, text encoding and slog show "[redacted]". The value is in a closure, so
// printing a struct with a Secret in an unexported field, with %+v or by
// reflection, does not show it.
//
// The zero Secret is empty.
type Secret struct{ reveal func() string }

func newSecret(value string) Secret { return Secret{reveal: func() string { return value }} }

// Reveal returns the value, or "" for the zero Secret.
func (sec Secret) Reveal() string {
	if sec.reveal == nil {
		return ""
	}
	return sec.reveal()
}

// IsZero reports whether the Secret holds nothing.
func (sec Secret) IsZero() bool { return sec.reveal == nil }

// String returns "[redacted]".
func (Secret) String() string { return redacted }

// GoString returns "[redacted]".
func (Secret) GoString() string { return redacted }

// Format writes "[redacted]" whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalJSON encodes "[redacted]".
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText encodes "[redacted]".
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue logs "[redacted]".
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
