package mockserver

import (
	"crypto/sha256"
	"encoding/hex"
	"sync/atomic"
)

// fingerprint names a credential without showing it: the first six bytes of
// SHA-256("keyfit/fp/v1\x00" + id + "\x00" + key), 12 hexadecimal digits. id is
// the client key of a pair and empty for a single secret: an API key, a token
// or a client secret. The SDK shows the same for the same credential; the form
// is a literal here so that a test can compare the two.
//
// It cannot be derived from the SHA-256 at rest, so a record keeps it. The zero
// fingerprint is unknown.
type fingerprint [6]byte

func fingerprintOf(id, key string) fingerprint {
	sum := sha256.Sum256([]byte("keyfit/fp/v1\x00" + id + "\x00" + key))
	return fingerprint(sum[:6])
}

// String is 12 hexadecimal digits, or empty if unknown.
func (fp fingerprint) String() string {
	if fp == (fingerprint{}) {
		return ""
	}
	return hex.EncodeToString(fp[:])
}

// parseFingerprint reads what String writes.
func parseFingerprint(text string) (fingerprint, bool) {
	var f fingerprint
	if text == "" {
		return f, true
	}
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(f) {
		return f, false
	}
	return fingerprint(b), true
}

// recordFingerprint is a fingerprint that is learned late, at most once: that
// of a key from a state document without fingerprints.
type recordFingerprint struct{ bits atomic.Uint64 }

func (rf *recordFingerprint) store(f fingerprint) {
	var bits uint64
	for _, b := range f {
		bits = bits<<8 | uint64(b)
	}
	rf.bits.Store(bits)
}

func (rf *recordFingerprint) load() (f fingerprint) {
	bits := rf.bits.Load()
	for i := range f {
		f[len(f)-1-i] = byte(bits >> (8 * i)) //nolint:gosec // the lowest byte is meant
	}
	return f
}

func (rf *recordFingerprint) known() bool { return rf.bits.Load() != 0 }

// learnFingerprints completes records of an older state document: a credential
// that is presented and accepted shows its value. A client key has the
// fingerprint of the pair that it was issued with, so only that pair tells it.
func (id *identity) learnFingerprints() {
	key, token := id.key, id.token
	if key.fingerprint.known() && (token == nil || token.fingerprint.known()) {
		return
	}
	defer key.ns.srv.unsaved.key(key)
	if token != nil {
		defer token.ns.srv.unsaved.key(token)
	}
	switch {
	case key.fingerprint.known():
	case token == nil:
		key.fingerprint.store(fingerprintOf("", id.value))
	case token == key.partner:
		key.fingerprint.store(fingerprintOf(id.value, id.credentials.token))
	}
	if token != nil && !token.fingerprint.known() {
		token.fingerprint.store(fingerprintOf("", id.credentials.token))
	}
}
