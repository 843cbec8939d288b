// Package keytext recognises text that was given as an API key and cannot be one: a header
// line, an assignment, JSON, a placeholder of a template, a reference that nothing expanded.
//
// Such text comes from a copied example, from a deployment without its values, or from a file
// that holds something else. Sent as a key it fails at the provider as a refused key, which
// costs the operator an hour, and it may carry a real key with something around it.
//
// A rule may refuse no text that may be a key. Providers use hexadecimal digits, base64 with
// its + / and =, JWTs, UUIDs, prefixes (sk_live_), and punctuation; each rule therefore names a
// form that a random key has with a probability below one in a million. Short texts of words
// (test-key) pass, because tests use them.
//
// The functions keep no state, and quote nothing of the text.
package keytext

import (
	"encoding/json"
	"strings"
)

// rule is one kind of text that is no key.
type rule struct {
	matches func(text string) bool
	reason  string // completes "the value …"
}

// rules returns the kinds in the order in which they are tried: what names the fault best
// comes first.
func rules() []rule {
	return []rule{
		{isPEM, "is a PEM block, not an API key"},
		{isReference, "is a reference to another variable such as ${NAME}, and references in keys are not expanded: write the key itself"},
		{isTemplate, "is a template that was not filled in: write the key itself"},
		{isStructured, "is JSON or XML: give the key alone"},
		{isURL, "is a URL or the name of a secret in a store: write the key itself"},
		{isScheme, "begins with the name of an authentication scheme, which keyfit adds itself: give the key alone"},
		{isHeader, "is a whole header line: give the key alone"},
		{isAssignment, "is an assignment with a name in it: give the key alone"},
		{isPath, "is the path of a file: put it into NAME_FILE, or write the key itself"},
		{isPlaceholder, "is a placeholder of an example: write the key itself"},
		{isMasked, "is a masked key, as consoles show it: write the whole key"},
		{hasSpace, "has white space inside: a key is one word"},
		{hasLooseQuote, "begins or ends with a quotation mark that has no counterpart"},
		{hasNoLetter, "has no letter and no digit"},
	}
}

// Fault says why a text cannot be a key, to complete the sentence "the value …"; it returns ""
// if the text may be one. The text is one line of printable ASCII without white space or
// quotation marks around it. The reason quotes nothing of it.
func Fault(text string) string {
	if text == "" || isRandomWord(text) {
		return ""
	}
	for _, r := range rules() {
		if r.matches(text) {
			return r.reason
		}
	}
	return ""
}

// IsPEM reports whether a text, of one line or several, is a PEM block: RFC 7468.
func IsPEM(text string) bool { return isPEM(strings.TrimSpace(text)) }

// isRandomWord answers for nearly every real key without trying the rules.
func isRandomWord(text string) bool {
	digits := 0
	for i := range len(text) {
		switch c := text[i]; {
		case '0' <= c && c <= '9':
			digits++
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		default:
			return false
		}
	}
	return len(text) >= 16 && digits >= 3 && digits < len(text) && !isMasked(text)
}

func isPEM(text string) bool { return strings.HasPrefix(text, "-----BEGIN") }

// isReference reports whether the whole text is ${NAME}, whatever the name.
func isReference(text string) bool {
	return strings.HasPrefix(text, "${") && strings.HasSuffix(text, "}")
}

func isStructured(text string) bool {
	switch text[0] {
	case '{', '[':
		return json.Valid([]byte(text)) && hasLetterOrDigit(text) || quotedMember().MatchString(text) || isBareObject(text)
	case '<':
		return strings.HasSuffix(text, ">") && strings.Contains(text, "</")
	}
	return false
}

// quotedMember is the begin of an object that may be cut off.
var quotedMember = compiled(`^[\[{]+(["'])[A-Za-z_][\w-]*(["'])\s*(:|=>)`) //nolint:gochecknoglobals // a constant that is compiled when it is first needed

// isBareObject reports whether a text is {key:…} of YAML, JavaScript or Ruby.
func isBareObject(text string) bool {
	name, _, found := strings.Cut(strings.TrimLeft(text, "[{"), ":")
	if !found {
		name, _, found = strings.Cut(strings.TrimLeft(text, "[{"), "=>")
	}
	return found && strings.HasSuffix(text, "}") && isIdentifier(name) && namesCredential(name)
}

// isURL reports whether a text has a scheme, as URLs and the references of secret stores have
// (op://vault/item, ref+vault://…), or is another store's name of a secret.
func isURL(text string) bool { return address().MatchString(text) }

var address = compiled(`^([a-z][a-z0-9+-]+://[A-Za-z0-9_.]|(?i:https?)://|file:///|arn:aws[a-z-]*:|vault:[\w/-]+|projects/[\w-]+/secrets/|data:[\w/+.-]+[;,]|@Microsoft\.KeyVault\()`) //nolint:gochecknoglobals // a constant that is compiled when it is first needed

// isScheme reports whether a text begins with the word that stands before a key in an
// Authorization header: RFC 9110, section 11.4, and vendors' own.
func isScheme(text string) bool { return scheme().MatchString(text) }

var scheme = compiled(`(?i)^(bearer|basic|digest|negotiate|token|hmac|key|api[-_]?key([-_]?v[0-9]+)?|sso-key|oauth)(\s+|%20|\+)\S`) //nolint:gochecknoglobals // a constant that is compiled when it is first needed

// isHeader reports whether a text is "Name: value". Without the space, the name must be that
// of a credential, because keys may contain a colon.
func isHeader(text string) bool {
	name, value, found := strings.Cut(text, ":")
	if !found || value == "" || !isIdentifier(name) {
		return false
	}
	return value[0] == ' ' && len(value) > 1 || namesCredential(name)
}

// isAssignment reports whether a text is NAME=value in a shell, a .env file or a query. The
// name must be that of a credential, or of a variable by its capitals.
func isAssignment(text string) bool {
	for _, before := range [...]string{"export ", "set ", "$env:", "$Env:", "--", "-", "?", "&"} {
		if rest, found := strings.CutPrefix(text, before); found {
			text = strings.TrimSpace(rest)
			break
		}
	}
	name, value, found := strings.Cut(text, "=")
	name = strings.TrimSpace(name)
	if !found || strings.Trim(value, "= ") == "" || !isIdentifier(name) {
		return false
	}
	return namesCredential(name) || len(name) >= 8 && strings.Contains(name, "_") && isCapitals(name) && !strings.ContainsFunc(name, isDigit)
}

// isPath reports whether a text is the path of a file, given in place of what is in it.
func isPath(text string) bool { return path().MatchString(text) }

var path = compiled(`^(/(run|var|etc|home|root|Users|mnt|opt|srv|secrets|private|proc)/[\w./@-]+|/(tmp|usr|dev)/[\w@-]+(/[\w.@-]+)*|(~|\.{1,2})/([\w.-]+/)*[\w-]+\.(key|txt|pem|env|json|secret|token)|[A-Za-z]:\\[\w .-]+(\\[\w .-]+)+)$`) //nolint:gochecknoglobals // a constant that is compiled when it is first needed

func hasSpace(text string) bool { return strings.ContainsAny(text, " \t") }

// hasLooseQuote is for the rest of a value in quotes: the pair around a value is taken off
// before.
func hasLooseQuote(text string) bool {
	first, last := text[0], text[len(text)-1]
	return strings.ContainsRune("\"'`", rune(first)) || strings.ContainsRune("\"'`", rune(last)) || strings.HasPrefix(text, `\"`)
}

func hasNoLetter(text string) bool { return !hasLetterOrDigit(text) }

func hasLetterOrDigit(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return isLetter(r) || isDigit(r) })
}

func isLetter(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }
func isDigit(r rune) bool  { return '0' <= r && r <= '9' }
