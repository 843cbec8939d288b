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
	tag      uint32 // begins the checksum: a key of one vendor is not one of another
	bytes    int    // raw length with the checksum
	encoding encoding

	size   int    // length of the credential without padding
	pad    string // "=" where the encoding pads
	window *window

	written *written // an alphabet of its own; nil is an encoding
}

// checksum is the number of bytes of a checksum.
const checksum = 4

// maxSize is more than any shape needs, so that decoding needs no allocation.
const maxSize = 256

// encoding is how the bytes of a credential are written.
type encoding uint8

const (
	hexadecimal encoding = iota
	base64URL
	base32Lower
	base64Twice
	base64Std // of no shape: what base64Twice is of
)

const lowerBase32 = "abcdefghijklmnopqrstuvwxyz234567"

func newShape(tag string, n int, e encoding) Shape {
	s := Shape{tag: crc32.ChecksumIEEE([]byte("keyfit mock key/" + tag)), bytes: n, encoding: e}
	whole := s.encode(make([]byte, n))
	if len(whole) > maxSize {
		panic("mockkey: " + tag + " is longer than any credential") // a constant of the program
	}
	s.size = len(strings.TrimRight(whole, "="))
	s.pad = whole[s.size:]
	s.window = newWindow(s.tag, n-checksum)
	return s
}

// Hex is n bytes in lower-case hexadecimal digits.
func Hex(tag string, n int) Shape { return newShape(tag, n, hexadecimal) }

// Base64URL is n bytes in base64url without padding.
func Base64URL(tag string, n int) Shape { return newShape(tag, n, base64URL) }

// Base32 is n bytes in lower-case base32 without padding.
func Base32(tag string, n int) Shape { return newShape(tag, n, base32Lower) }

// DoubleBase64 is the base64 of the base64 of n bytes, with padding.
func DoubleBase64(tag string, n int) Shape { return newShape(tag, n, base64Twice) }

func (s *Shape) encode(raw []byte) string {
	std := base64.StdEncoding
	switch s.encoding {
	case hexadecimal:
		return hex.EncodeToString(raw)
	case base32Lower:
		return base32.NewEncoding(lowerBase32).WithPadding(base32.NoPadding).EncodeToString(raw)
	case base64Twice:
		return std.EncodeToString([]byte(std.EncodeToString(raw)))
	case base64URL, base64Std:
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// decode decodes src in place and returns the bytes.
func (s *Shape) decode(src []byte) (raw []byte, ok bool) {
	var n int
	var err error
	switch s.encoding {
	case hexadecimal:
		n, err = hex.Decode(src, src)
	case base64URL:
		n, err = base64.RawURLEncoding.Decode(src, src)
	case base32Lower:
		n, err = decodeBase32(src)
	case base64Twice:
		if n, err = base64.StdEncoding.Decode(src, src); err == nil {
			n, err = base64.StdEncoding.Decode(src, src[:n])
		}
	case base64Std:
	}
	return src[:n], err == nil
}

// IsZero reports whether s is no shape.
func (s Shape) IsZero() bool { return s.bytes == 0 }

// sum continues the checksum of the tag.
func (s *Shape) sum(body []byte) uint32 {
	crc := ^s.tag
	for _, b := range body {
		crc = step(crc, b)
	}
	return ^crc
}

// Mint makes a credential. random fills its argument with random bytes.
func (s Shape) Mint(random func([]byte)) string {
	if s.written != nil {
		return s.written.mint(&s, random)
	}
	raw := make([]byte, s.bytes)
	body := raw[:s.bytes-checksum]
	random(body)
	binary.BigEndian.PutUint32(raw[s.bytes-checksum:], s.sum(body))
	return s.encode(raw)
}

// Made reports whether value is a credential of this shape that a mock made.
// The zero Shape made none.
func (s Shape) Made(value string) bool {
	return !s.IsZero() && len(value) == s.size+len(s.pad) && value[s.size:] == s.pad && s.made(value[:s.size])
}

// made is Made for a value of the right size without its padding.
func (s *Shape) made(value string) bool {
	if s.written != nil {
		return s.written.made(s, value)
	}
	var buf [maxSize]byte
	n := copy(buf[:], value)
	n += copy(buf[n:], s.pad)
	raw, ok := s.decode(buf[:n])
	return ok && len(raw) == s.bytes && binary.BigEndian.Uint32(raw[s.bytes-checksum:]) == s.sum(raw[:s.bytes-checksum])
}

// decodeBase32 decodes in place without the allocations of an Encoding.
func decodeBase32(src []byte) (int, error) {
	var bits, have uint
	n := 0
	for i, c := range src {
		switch {
		case c >= 'a' && c <= 'z':
			bits = bits<<5 | uint(c-'a')
		case c >= '2' && c <= '7':
			bits = bits<<5 | uint(c-'2'+26)
		default:
			return 0, base32.CorruptInputError(i)
		}
		if have += 5; have >= 8 {
			have -= 8
			src[n] = byte(bits >> have & 0xff)
			n++
		}
	}
	return n, nil
}
