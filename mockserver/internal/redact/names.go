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

// soundsSecret reports whether a name is one that credentials have.
func soundsSecret(name string) bool {
	n := strings.ToLower(strings.TrimSpace(name))
	switch n {
	case "code":
		return true
	case "keyword", "keywords", "skiptoken", "$skiptoken":
		return false
	}
	for rest := n; rest != ""; { // user[pwd], UTF-8''pwd, db_pwd
		var word string
		if i := strings.IndexAny(rest, "[].:'/_- "); i >= 0 {
			word, rest = rest[:i], rest[i+1:]
		} else {
			word, rest = rest, ""
		}
		switch word {
		case "jwt", "otp", "pass", "pat", "pin", "pwd", "sid", "sig":
			return true
		}
	}
	if strings.HasSuffix(n, "[code]") || strings.HasSuffix(n, "'code") {
		return true
	}
	for _, part := range [...]string{
		"key", "token", "secret", "passw", "passp", "code_", "assertion", "signature", "credential", "session", "cookie", "bearer", "saml",
	} {
		if strings.Contains(n, part) {
			return true
		}
	}
	return strings.Contains(n, "auth") && (!strings.Contains(n, "author") || strings.Contains(n, "authori"))
}

// maxMentions is how many keys a name may mention. One with more is none.
const maxMentions = 3

// secretName reports whether a parameter, header, element or JSON member of that
// name carries a credential. Credentials in it that a mock made are no part of a
// name: a random one may have "key" in it.
func (r *Redactor) secretName(name string) bool {
	for range maxMentions {
		if !soundsSecret(name) {
			return false
		}
		from, to := r.known.Minted(name[:min(len(name), maxRun)])
		if from == to {
			return true
		}
		name = name[:from] + " " + name[to:]
	}
	return soundsSecret(name)
}

// isErrorCode reports whether a member called code, as OAuth's is, has the name of an error in it:
// words of capital letters, as in NOT_FOUND.
func isErrorCode(name, value string) bool {
	value = strings.Trim(value, `"'`)
	if !strings.EqualFold(name, "code") || len(value) > maxName || strings.IndexByte(value, '_') <= 0 {
		return false
	}
	for _, c := range []byte(value) {
		if c != '_' && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// secretWord reports whether a text is nothing but the name of a credential.
func (r *Redactor) secretWord(text string) bool {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > maxName {
		return false
	}
	for _, c := range []byte(text) {
		if !credChar(c) && c != ' ' {
			return false
		}
	}
	return r.secretName(text)
}

// namesSomething reports whether a member or attribute of that name holds a name,
// whose value stands beside it.
func namesSomething(name string) bool {
	switch strings.ToLower(name) {
	case "name", "key", "id", "k", "field", "header", "param", "parameter", "property", "type":
		return true
	}
	return false
}

// holdsValue reports whether a member of that name holds the value of what
// another member names.
func holdsValue(name string) bool {
	switch strings.ToLower(name) {
	case "value", "values", "v", "val", "content", "data", "text", "default":
		return true
	}
	return false
}
