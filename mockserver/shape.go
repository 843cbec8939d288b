package mockserver

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash/crc32"
	"strings"
)

// A shape is how one vendor's credentials look. Every mock credential hides a
// 32-bit checksum in that look, so the mock can tell, with nothing stored, a
// mock key that it does not know from a string that no mock ever made and that
// may therefore be a production key.
//
// Shapes of imin (32 characters, hex as on its Authentication page) and IMKIT
// (base64 of the base64 of 32 bytes, 60 characters, as on its API Key page)
// follow the vendors; the others are assumptions (see Assumptions).
type shape struct {
	tag   string // goes into the checksum: one vendor's key is not another's
	bytes int    // raw length with the checksum
	enc   func([]byte) string
	dec   func(string) ([]byte, error)

	size int    // length of the credential without padding
	pad  string // "=" where one belongs
}

func newShape(tag string, n int, enc func([]byte) string, dec func(string) ([]byte, error)) shape {
	s := shape{tag: tag, bytes: n, enc: enc, dec: dec}
	whole := enc(make([]byte, n))
	s.size = len(strings.TrimRight(whole, "="))
	s.pad = whole[s.size:]
	return s
}

func hexShape(tag string, n int) shape {
	return newShape(tag, n, hex.EncodeToString, hex.DecodeString)
}

func base64URLShape(tag string, n int) shape {
	return newShape(tag, n, base64.RawURLEncoding.EncodeToString, base64.RawURLEncoding.DecodeString)
}

func base32Shape(tag string, n int) shape {
	enc := base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
	return newShape(tag, n, enc.EncodeToString, enc.DecodeString)
}

func doubleBase64Shape(tag string, n int) shape {
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

func (s shape) sum(body []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE([]byte("keyfit mock key/"+s.tag)), crc32.IEEETable, body)
}

// mint makes a credential out of random bytes.
func (s shape) mint(random func([]byte)) string {
	raw := make([]byte, s.bytes)
	body := raw[:s.bytes-4]
	random(body)
	binary.BigEndian.PutUint32(raw[s.bytes-4:], s.sum(body))
	return s.enc(raw)
}

// made reports whether value is a credential of this shape that a mock made.
func (s shape) made(value string) bool {
	raw, err := s.dec(value)
	if err != nil || len(raw) != s.bytes {
		return false
	}
	return binary.BigEndian.Uint32(raw[s.bytes-4:]) == s.sum(raw[:s.bytes-4])
}

// jwtMark signs the mock's JWT-shaped credentials. It is public on purpose: it
// protects nothing, it only tells mock-made tokens from others.
const jwtMark = "keyfit mock tokens, no secret"

// mintJWT makes an HS256 JWT, the look of IMKIT's client key (payload fields
// as in the vendor's example: apiKey, createAt, clientId) and user token.
func mintJWT(payload any) string {
	body, err := json.Marshal(payload)
	if err != nil {
		panic("mockserver: jwt payload: " + err.Error()) // a map of strings and numbers always encodes
	}
	e := base64.RawURLEncoding
	signed := e.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + e.EncodeToString(body)
	return signed + "." + e.EncodeToString(jwtSum(signed))
}

func madeJWT(value string) bool {
	i := strings.LastIndexByte(value, '.')
	if i < 0 {
		return false
	}
	sig, err := base64.RawURLEncoding.DecodeString(value[i+1:])
	return err == nil && hmac.Equal(sig, jwtSum(value[:i]))
}

func jwtSum(signed string) []byte {
	m := hmac.New(sha256.New, []byte(jwtMark))
	m.Write([]byte(signed))
	return m.Sum(nil)
}
