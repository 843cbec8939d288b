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

// MintJWT makes an HS256 JWT with a payload that always encodes to JSON.
func MintJWT(payload map[string]any) string {
	body, err := json.Marshal(payload)
	if err != nil {
		panic("mockkey: jwt payload: " + err.Error()) // a map of strings and numbers always encodes
	}
	e := base64.RawURLEncoding
	signed := e.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + e.EncodeToString(body)
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

// jwtWithin reports whether a JWT that a mock made stands anywhere in text.
func jwtWithin(text string) bool {
	const signature = 43 // characters of 32 bytes
	for from := 0; ; {
		i := strings.Index(text[from:], "eyJ") // base64 of {"
		if i < 0 {
			return false
		}
		from += i
		rest := text[from:]
		for dot := range len(rest) - signature {
			if rest[dot] == '.' && MadeJWT(rest[:dot+1+signature]) {
				return true
			}
		}
		from += len("eyJ")
	}
}
