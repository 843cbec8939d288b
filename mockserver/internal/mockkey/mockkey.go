// Package mockkey makes credentials that look like a vendor's and carry a
// hidden checksum. With nothing stored, the mock can tell by it a mock key that
// it does not know from a string that no mock ever made, which may be a
// production key.
package mockkey

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"strings"
)

// Shape is how one kind of credential looks: random bytes and a 32-bit
// checksum, encoded. The zero Shape is no shape. A Shape is immutable.
type Shape struct {
	tag   string // part of the checksum: a key of one vendor is not one of another
	bytes int    // raw length with the checksum
	enc   func([]byte) string
	dec   func(string) ([]byte, error)

	size int    // length of the credential without padding
	pad  string // "=" where the encoding pads
}

func newShape(tag string, n int, enc func([]byte) string, dec func(string) ([]byte, error)) Shape {
	s := Shape{tag: tag, bytes: n, enc: enc, dec: dec}
	whole := enc(make([]byte, n))
	s.size = len(strings.TrimRight(whole, "="))
	s.pad = whole[s.size:]
	return s
}

// Hex is n bytes in lower-case hexadecimal digits.
func Hex(tag string, n int) Shape { return newShape(tag, n, hex.EncodeToString, hex.DecodeString) }

// Base64URL is n bytes in base64url without padding.
func Base64URL(tag string, n int) Shape {
	return newShape(tag, n, base64.RawURLEncoding.EncodeToString, base64.RawURLEncoding.DecodeString)
}

// Base32 is n bytes in lower-case base32 without padding.
func Base32(tag string, n int) Shape {
	enc := base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
	return newShape(tag, n, enc.EncodeToString, enc.DecodeString)
}

// DoubleBase64 is the base64 of the base64 of n bytes, with padding.
func DoubleBase64(tag string, n int) Shape {
	e := base64.StdEncoding
	return newShape(tag, n,
		func(b []byte) string { return e.EncodeToString([]byte(e.EncodeToString(b))) },
		func(s string) ([]byte, error) {
			inner, err := e.DecodeString(s)
			if err != nil {
				return nil, err
			}
			return e.DecodeString(string(inner))
		})
}

// IsZero reports whether s is no shape.
func (s Shape) IsZero() bool { return s.bytes == 0 }

func (s Shape) sum(body []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE([]byte("keyfit mock key/"+s.tag)), crc32.IEEETable, body)
}

// Mint makes a credential. random fills its argument with random bytes.
func (s Shape) Mint(random func([]byte)) string {
	raw := make([]byte, s.bytes)
	body := raw[:s.bytes-4]
	random(body)
	binary.BigEndian.PutUint32(raw[s.bytes-4:], s.sum(body))
	return s.enc(raw)
}

// Made reports whether value is a credential of this shape that a mock made.
// The zero Shape made none.
func (s Shape) Made(value string) bool {
	if s.IsZero() {
		return false
	}
	raw, err := s.dec(value)
	if err != nil || len(raw) != s.bytes {
		return false
	}
	return binary.BigEndian.Uint32(raw[s.bytes-4:]) == s.sum(raw[:s.bytes-4])
}

// Shapes are the shapes of all credentials that a server makes.
type Shapes []Shape

// Within reports whether a credential that a mock made, of one of the shapes or
// a JWT, stands anywhere in text.
func (all Shapes) Within(text string) bool {
	for i := range all {
		s := &all[i]
		for from := 0; from+s.size <= len(text); from++ {
			if s.Made(text[from:from+s.size] + s.pad) {
				return true
			}
		}
	}
	return jwtWithin(text)
}
