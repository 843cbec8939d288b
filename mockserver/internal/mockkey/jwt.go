package mockkey

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
)

// jwtMark signs the mock's JWTs. It is public on purpose: it protects nothing,
// it only tells mock-made tokens from others.
const jwtMark = "keyfit mock tokens, no secret"

// jwtHeader is the header of every JWT that a mock makes, encoded:
// {"alg":"HS256","typ":"JWT"}.
const jwtHeader = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"

// MintJWT makes an HS256 JWT with a payload that always encodes to JSON.
func MintJWT(payload map[string]any) string {
	body, err := json.Marshal(payload)
	if err != nil {
		panic("mockkey: jwt payload: " + err.Error()) // a map of strings and numbers always encodes
	}
	e := base64.RawURLEncoding
	signed := jwtHeader + "." + e.EncodeToString(body)
	return signed + "." + e.EncodeToString(jwtSum(signed))
}

// MadeJWT reports whether value is a JWT that a mock made.
func MadeJWT(value string) bool {
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

// findJWT returns where in text a JWT stands that a mock made.
// Header, payload and signature have one possible place each behind a header, and
// the next header stands behind that payload, so the text is read once.
func findJWT(text string) (from, to int) {
	const header, signature = jwtHeader + ".", 43 // characters of 32 bytes
	for {
		i := strings.Index(text[from:], header)
		if i < 0 {
			return 0, 0
		}
		from += i
		dot := from + len(header)
		for dot < len(text) && base64URL.has(text[dot]) {
			dot++
		}
		end := dot + 1 + signature
		if end <= len(text) && text[dot] == '.' && MadeJWT(text[from:end]) {
			return from, end
		}
		from += len(header)
	}
}
