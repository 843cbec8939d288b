package cli

import "strings"

// An error goes to a terminal and to the logs of CI, so it repeats no key: neither one that was
// typed where an ID is wanted, nor one that begins with a dash and was read as a flag.

// mark stands where a key was typed.
const mark = "[redacted]"

// keyRun is how many letters and digits without a break a key has at least somewhere. Names of
// things are words and numbers with something between them.
const keyRun = 12

// looksLikeKey reports whether a text may be a key: one word with a long run that mixes letters
// and digits, two of each at least: 99999999999h is a mistyped duration. In a
// longer one a digit is enough: base32 has few. Addresses and paths are none.
func looksLikeKey(text string) bool {
	if strings.ContainsAny(text, " \t\n:") || strings.HasPrefix(text, "/") || strings.HasPrefix(text, ".") {
		return false
	}
	run, letters, digits := 0, 0, 0
	for _, c := range text {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
			letters++
		default:
			run, letters, digits = 0, 0, 0
			continue
		}
		run++
		if run >= keyRun && letters > 1 && digits > 1 || run >= 2*keyRun && letters > 1 && digits > 0 {
			return true
		}
	}
	return false
}

// hidden is a value as an error shows it.
func hidden(value string) string {
	if looksLikeKey(value) {
		return mark
	}
	return value
}

// Hidden is a text from outside as it is printed where a name is expected: the mark, if it looks
// like a key.
func Hidden(text string) string { return hidden(Line(text)) }

// isFingerprint reports whether a text has the form of a key's fingerprint, which is the name that
// a command takes for a key. No vendor's key is as short.
func isFingerprint(text string) bool {
	const digits = 12
	return len(text) == digits && strings.Trim(text, "0123456789abcdef") == ""
}

// hideTyped hides the arguments that look like keys in a text: whole, as the value of a flag,
// and the beginnings that an error shows of long values.
func hideTyped(text string, typed []string) string {
	for _, argument := range typed {
		_, value, assigned := strings.Cut(argument, "=")
		if !assigned || !strings.HasPrefix(argument, "--") {
			value = argument
		}
		if !looksLikeKey(value) || isFingerprint(value) {
			continue
		}
		for _, n := range []int{len(value), 80, 40} {
			if n <= len(value) {
				text = strings.ReplaceAll(text, value[:n], mark)
			}
		}
		if name := strings.TrimLeft(value, "-"); name != value {
			text = strings.ReplaceAll(text, name, mark)
		}
	}
	return text
}
