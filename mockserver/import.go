package mockserver

import (
	"crypto/sha256"
	"errors"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/redact"
)

// Raw imports a value instead of making one: a fixed key of a client's test
// configuration, or the placeholder of a tutorial. It is accepted although no
// mock made it, stored as SHA-256 like any other, and redacted in the journal. Do
// not import production keys: a guessable value can be found from its sum.
//
// The value has 8 to 1,024 printable ASCII characters without space. Issue fails
// if a key with that value exists. A rotation makes a new value.
func Raw(value string) KeyOption { return func(s *keySpec) { s.raw = value } }

// issueOrImport stores a key with a value of its own or with a given one.
func (k *Keys) issueOrImport(v *vendor, spec keySpec) (Issued, error) {
	value := spec.raw
	if value == "" {
		return k.issue(v, spec, ""), nil
	}
	if spec.kind != KindKey && spec.kind != KindBearer {
		return Issued{}, errors.New("Raw is for API keys and bearer tokens")
	}
	if len(value) < redact.MinSecret || len(value) > 1024 || strings.ContainsFunc(value, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return Issued{}, errors.New("a raw key has 8 to 1024 printable ASCII characters without space")
	}
	spec.raw = ""
	now := k.ns.clock.Now()
	rec := k.record(v, spec, now)
	rec.hash = sha256.Sum256([]byte(value))
	rec.fingerprint.store(fingerprintOf("", value))
	rec.life.Store(k.lifeOf(life{expires: toNano(spec.end(v, now))}))
	k.ns.srv.vault.lengthen(len(value))
	if !k.file(rec) {
		return Issued{}, ErrKeyInUse
	}
	return Issued{Key: rec.key(now), Secret: newSecret(value), put: v.applier(spec.kind)}, nil
}
