package problem

import (
	"net/http"
	"regexp"
	"strings"
)

// Kind is which refusal a response is.
type Kind int

// The kinds.
const (
	Other       Kind = iota // none of the others
	MissingKey              // the provider saw no key
	InvalidKey              // the provider does not accept the key
	RateLimited             // too many requests
	Permission              // the key is known, and may not do this
)

// Rules is what a provider documents of its refusals.
type Rules struct {
	// KindOf returns the kind that a code of the body stands for, [Other] for an unknown
	// one; nil knows none.
	KindOf func(code string) Kind
	// NotFoundIsPermission says that the provider answers 404 where the permission is missing.
	NotFoundIsPermission bool
}

var (
	saysMissing = regexp.MustCompile(`(?i)\b(missing|required|no (api )?key|not (provided|supplied|present))\b`)
	saysInvalid = regexp.MustCompile(`(?i)\b(invalid|unknown|wrong|expired|revoked|disabled|deleted)\b.*\b(key|token)\b|\b(key|token)\b.*\b(invalid|unknown|wrong|expired|revoked|disabled|deleted)\b`)
)

// Classify returns the kind of a response. The provider's code decides, then the challenge
// (RFC 6750, section 3.1), then the status; where a status stands for two things (401 for a
// missing and an invalid key, 403 for an invalid key and a missing permission), the words.
func Classify(status int, header http.Header, p Problem, rules Rules) Kind {
	if status < 400 {
		return Other
	}
	if rules.KindOf != nil && status < 500 {
		if kind := rules.KindOf(p.Code); kind != Other {
			return kind
		}
	}
	challenge, words := header.Get("WWW-Authenticate"), p.Message[:min(len(p.Message), maxPlainText)]
	if strings.Contains(challenge, "insufficient_scope") {
		return Permission
	}
	switch status {
	case http.StatusTooManyRequests:
		return RateLimited
	case http.StatusUnauthorized:
		invalid := strings.Contains(challenge, "invalid_token") || saysInvalid.MatchString(words)
		if !invalid && saysMissing.MatchString(words) {
			return MissingKey
		}
		return InvalidKey
	case http.StatusForbidden:
		if saysInvalid.MatchString(words) {
			return InvalidKey
		}
		return Permission
	case http.StatusNotFound:
		if rules.NotFoundIsPermission {
			return Permission
		}
	}
	return Other
}
