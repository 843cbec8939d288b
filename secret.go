package keyfit

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/keyfit/keyfit/internal/keytext"
	"github.com/keyfit/keyfit/internal/redact"
)

// redacted is the printed form of every [Secret].
const redacted = redact.Mark

// Secret holds key material and does not show it. Its form under every fmt verb and in
// JSON, text, gob and slog is "[redacted]", even if the Secret is in an unexported field
// that fmt reaches by reflection: the value is kept in a closure, which fmt cannot read.
// Only [Secret.Reveal] returns it.
//
// The zero Secret is empty. A Secret is immutable and safe for concurrent use.
type Secret struct {
	reveal func() string
}

// NewSecret returns a Secret of value as it is, without trimming or checking it.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{reveal: func() string { return value }}
}

// Reveal returns the key material. The caller is responsible for it from then on: it must
// not get into a log, an error or a URL.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s.reveal == nil }

// String returns "[redacted]".
func (s Secret) String() string { return redacted }

// GoString returns "[redacted]", for %#v.
func (s Secret) GoString() string { return redacted }

// Format writes "[redacted]" for every verb and flag.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns "[redacted]", for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]", for encoders of text, XML, YAML and map keys.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns the JSON string "[redacted]".
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// GobEncode returns "[redacted]", for encoding/gob.
func (s Secret) GobEncode() ([]byte, error) { return []byte(redacted), nil }

// GobDecode leaves the secret empty, because gob never carried the key.
func (s *Secret) GobDecode([]byte) error { *s = Secret{}; return nil }

// Credential is one generation of key material: a key, or a pair whose halves are only
// valid together. It is replaced as a whole and never changed in place.
type Credential struct {
	// ID is the public half of a pair (IMKIT's client key); empty for a single key.
	ID Secret
	// Key is the key itself, or the secret half of a pair.
	Key Secret
	// Expires is when the key stops working; zero if unknown.
	Expires time.Time
	// Issued is when the provider issued the key; zero if unknown. If Expires is unknown
	// and [Provider.KeyLife] is known, a [Keyring] computes the expiry from the two.
	Issued time.Time
	// Version is the source's own name for this key, such as the version of a secret in a
	// store; "" if it has none. A [KeyringStatus] shows it.
	Version string
	// Place says, for a person, where the source found the key: "environment variable
	// IMKIT_API_KEY". It is "" if the source does not say, and no part of the fingerprint.
	Place string

	from provenance
}

// APIKey returns the credential of a single key.
func APIKey(key string) Credential { return Credential{Key: NewSecret(key)} }

// KeyPair returns the credential of a pair: id goes into the first header of [Pair], key
// into the second.
func KeyPair(id, key string) Credential {
	return Credential{ID: NewSecret(id), Key: NewSecret(key)}
}

// Fingerprint identifies the credential in logs, events and errors: twelve hexadecimal
// digits of a SHA-256 over ID and Key. It is the same in every process, in the command line
// and in the mock server, so operators can compare what two replicas use. It is "" for an
// empty credential. A random key cannot be found from it; a guessable key could be
// confirmed by it.
func (cred Credential) Fingerprint() string {
	if cred.ID.IsZero() && cred.Key.IsZero() {
		return ""
	}
	sum := sha256.Sum256([]byte("keyfit/fp/v1\x00" + cred.ID.Reveal() + "\x00" + cred.Key.Reveal()))
	return hex.EncodeToString(sum[:6])
}

// clean returns the credential with both halves cleaned by [cleanKey].
func (cred Credential) clean() (Credential, error) {
	key, err := cleanKey(cred.Key.Reveal())
	if err != nil {
		return Credential{}, err
	}
	cred.Key = NewSecret(key)
	if cred.ID.IsZero() {
		return cred, nil
	}
	id, err := cleanKey(cred.ID.Reveal())
	if err != nil {
		return Credential{}, fmt.Errorf("public half of the pair: %w", err)
	}
	cred.ID = NewSecret(id)
	return cred, nil
}

// errKeyEmpty and the other errors of a key name the fault, never the content.
var errKeyEmpty = errors.New("the value is empty")

// byteOrderMark is what some Windows editors write at the start of a file.
const byteOrderMark = "\ufeff"

// cleanKey returns the key without the byte order mark, white space and quotes around it.
// Cleaning a clean key changes nothing. If a key cannot be sent in a header or is no key at
// all, the error says what is wrong and where, and does not quote the key.
func cleanKey(raw string) (string, error) {
	key := strings.TrimSpace(strings.TrimPrefix(raw, byteOrderMark))
	for n := len(key); n >= 2 && (key[0] == '"' || key[0] == '\'') && key[n-1] == key[0]; n = len(key) {
		key = strings.TrimSpace(key[1 : n-1])
	}
	if key == "" {
		return "", errKeyEmpty
	}
	if keytext.IsPEM(key) {
		return "", faultOf(key)
	}
	for i := range len(key) {
		switch c := key[i]; {
		case c == '\n' || c == '\r':
			return "", fmt.Errorf("the value has a line break at byte %d of %d: a key is one line", i+1, len(key))
		case c < ' ' || c == 0x7f:
			return "", fmt.Errorf("the value has a control character at byte %d of %d", i+1, len(key))
		case c >= 0x80:
			return "", fmt.Errorf("the value has a non-ASCII character at byte %d of %d: look for curly quotes or an invisible space", i+1, len(key))
		}
	}
	if err := faultOf(key); err != nil {
		return "", err
	}
	return key, nil
}

// faultOf returns an error if a text cannot be a key; see [keytext.Fault].
func faultOf(key string) error {
	if why := keytext.Fault(key); why != "" {
		return errors.New("the value " + why)
	}
	return nil
}
