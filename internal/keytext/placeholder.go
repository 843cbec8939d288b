package keytext

import "strings"

// This file recognises what people write in place of a key.

// isPlaceholder reports whether a text is one of those that stand for a missing value, or is
// made of words that only examples have (your-api-key).
func isPlaceholder(text string) bool {
	switch strings.ToLower(text) {
	case "null", "nil", "none", "undefined", "nan", "n/a", "unset", "true", "false", "empty", "missing", "todo", "tbd", "fixme", "xxx",
		"undef", "(null)", "(none)", "<nil>", "not-set", "notset", "not_set", "string", "00000000-0000-0000-0000-000000000000":
		return true
	}
	return isPhrase(text)
}

// isPhrase reports whether every word of a text belongs to an example, and one of them to
// nothing else. A name of a variable for an API key is one too.
func isPhrase(text string) bool {
	all := words(text)
	if len(all) == 0 {
		return false
	}
	telling := false
	for _, word := range all {
		switch {
		case isTellingWord(word) || len(word) >= 4 && strings.Trim(word, "x") == "":
			telling = true
		case !isCommonWord(word):
			return false
		}
	}
	return telling || isNameOfKey(all)
}

// isNameOfKey reports whether words are the name of a variable or header of an API key, as in
// IMKIT_API_KEY and X-API-KEY.
func isNameOfKey(all []string) bool {
	named := false
	for _, word := range all {
		switch word {
		case "key", "apikey":
			named = len(all) > 1 || word == "apikey"
		case "x", "im", "api", "imin", "mindkey", "imkit", "optimove", "iiniit", "vendor", "provider":
		default:
			return false
		}
	}
	return named
}

// isTellingWord reports whether a word in lower case shows that a text is no key.
func isTellingWord(word string) bool {
	switch word {
	case "your", "yours", "yourkey", "yourapikey", "yourtoken", "yoursecret", "insert", "replace", "replaceme", "replacethis", "change", "changeme", "changethis", "changeit",
		"placeholder", "todo", "fixme", "tbd", "redacted", "hidden", "masked", "filtered", "removed", "here", "enter", "paste", "fill", "provide",
		"undefined", "null", "ihr", "dein", "deine", "votre", "clave", "chave", "tuo":
		return true
	}
	return false
}

// isCommonWord reports whether a word in lower case stands beside the telling ones.
func isCommonWord(word string) bool {
	switch word {
	case "a", "an", "the", "my", "me", "this", "it", "in", "of", "for", "from", "with", "to", "be", "is", "by", "and", "or", "goes", "put", "please", "not", "set", "must", "should",
		"api", "key", "keys", "apikey", "token", "secret", "password", "passwd", "pass", "pwd", "credential", "credentials", "auth", "authorization", "bearer", "access", "client", "user", "admin",
		"value", "real", "actual", "own", "new", "valid", "example", "sample", "app", "application", "service", "account", "id", "env", "string", "text", "x", "im", "sk", "pk", "ak", "v1", "v2",
		"live", "test", "prod", "production", "dev", "staging", "sandbox", "public", "private", "vendor", "provider", "company", "tenant", "customer", "some", "any",
		"imin", "mindkey", "imkit", "optimove", "iiniit", "go", "down", "cle", "schluessel", "jwt", "default":
		return true
	}
	return false
}

// words returns the words of a text in lower case. What is neither letter nor digit divides
// words, and so does a capital after a small letter.
func words(text string) []string {
	var found []string
	begin := 0
	end := func(at int) {
		if at > begin {
			found = append(found, strings.ToLower(text[begin:at]))
		}
	}
	for i, r := range text {
		switch {
		case !isLetter(r) && !isDigit(r):
			end(i)
			begin = i + len(string(r))
		case 'A' <= r && r <= 'Z' && i > begin && 'a' <= text[i-1] && text[i-1] <= 'z':
			end(i)
			begin = i
		}
	}
	end(len(text))
	return found
}

// isMasked reports whether a part of a text was replaced by stars, crosses or dots, or all of
// it by one character. The parts that are left of a masked key are short, which a key that
// happens to hold some stars is not.
func isMasked(text string) bool {
	for _, mask := range [...]string{"x", "X", "."} {
		if len(text) >= 8 && strings.Trim(text, mask+"-") == "" {
			return true
		}
	}
	for _, run := range [...]string{"xxxxxx", "XXXXXX", "****", "####"} {
		if strings.HasPrefix(text, run) || strings.HasSuffix(text, run) {
			return true
		}
	}
	for _, run := range [...]string{"****", "...", "######", "xxxxxx", "XXXXXX"} {
		before, after, found := strings.Cut(text, run)
		if found && len(before) <= 12 && len(strings.TrimLeft(after, run)) <= 8 {
			return true
		}
	}
	return false
}
