package mockserver

import "strings"

// The journal allows what it knows to be harmless and hides the rest: a
// deny-list would miss the header that somebody invents tomorrow.

// plainHeader reports whether a request header's value may be journalled.
func plainHeader(canonical string) bool {
	switch canonical {
	case "Accept", "Accept-Encoding", "Accept-Language", "Content-Encoding", "Content-Length", "Content-Type",
		"Connection", "Expect", "Idempotency-Key", "If-Match", "If-None-Match", "Im-Client-Id", "Origin", "Range",
		"Traceparent", "User-Agent", "X-Request-Id", "X-Correlation-Id":
		return true
	}
	return false
}

// plainName reports whether a header's own name looks like a name. The longest
// word of a registered one is "Authentication".
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

// secretName reports whether a parameter or a JSON member of that name carries
// a credential.
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

// head is about as much of s as is needed to show limit bytes of it redacted.
// It ends between words: a cut must not leave half a credential.
func head(s string, limit int) string {
	if len(s) <= limit+maxRun {
		return s
	}
	s = s[:limit+maxRun]
	return s[:strings.LastIndexAny(s, " \t\r\n\"'`,;&=<>{}[]()/")+1]
}

// cut shortens s, on a copy, so that a little text does not hold a large one.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.Clone(s[:limit]) + "[cut]"
}
