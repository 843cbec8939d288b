package redact

import "strings"

// PlainHeader reports whether a request header of this canonical name may be
// written down with its value. It is an allow-list: a deny-list would miss the
// header that somebody invents tomorrow.
func PlainHeader(canonical string) bool {
	switch canonical {
	case "Accept", "Accept-Encoding", "Accept-Language", "Content-Encoding", "Content-Length", "Content-Type",
		"Connection", "Expect", "Idempotency-Key", "If-Match", "If-None-Match", "Im-Client-Id", "Origin", "Range",
		"Traceparent", "User-Agent", "X-Request-Id", "X-Correlation-Id":
		return true
	}
	return false
}

// HeaderName returns a header's own name without credentials; Mark if it does
// not look like a name.
func (r *Redactor) HeaderName(name string) string {
	if !plainName(name) {
		return Mark
	}
	return r.Text(name)
}

// plainName reports whether a header's name looks like a name. The longest word
// of a registered one is "Authentication".
func plainName(name string) bool {
	word := 0
	for _, c := range []byte(name) {
		word++
		if c == '-' {
			word = 0
		}
		if word > 16 {
			return false
		}
	}
	return len(name) <= 64
}

// secretName reports whether a parameter, header or JSON member of that name
// carries a credential.
func secretName(name string) bool {
	n := strings.ToLower(name)
	switch n {
	case "code", "jwt", "pass", "pin", "pwd", "sid", "sig":
		return true
	case "keyword", "skiptoken", "$skiptoken":
		return false
	}
	for _, part := range []string{"key", "token", "secret", "passw", "code_", "assertion", "signature", "credential", "session"} {
		if strings.Contains(n, part) {
			return true
		}
	}
	return strings.Contains(n, "auth") && (!strings.Contains(n, "author") || strings.Contains(n, "authori"))
}
