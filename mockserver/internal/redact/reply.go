package redact

import "strings"

// maxRepeated is the length up to which an answer is remembered.
const maxRepeated = 4 << 10

// repeated is the last answer in which nothing was hidden. Most answers of a test repeat
// the one before, and searching one takes longer than answering.
type repeated struct {
	text    string
	version uint64 // of Known
}

// Reply returns about limit bytes of the body of an answer, without credentials, in a
// string of its own. suspect is false if the request's credential is one that the server
// keeps: then every place where it stands whole is found without comparing its parts.
func (r *Redactor) Reply(raw []byte, limit int, suspect bool) string {
	if len(raw) == 0 {
		return ""
	}
	version := r.known.Version() // before the text is read: a key may be stored meanwhile
	if !suspect && r.repeated.version == version && r.repeated.text == string(raw) && !r.presented(r.repeated.text) {
		return r.repeated.text
	}
	text := r.Body(raw, "", limit)
	if !suspect && len(raw) <= maxRepeated && text == string(raw) {
		r.repeated = repeated{text, version}
	}
	return text
}

// Presented reports whether a text without escapes has anything in common with what the
// request presented.
func (r *Redactor) Presented(text string) bool {
	return r.presented(text) || r.pieces.hide(text) != text
}

// presented reports whether a value that the request presented stands in a text whole.
func (r *Redactor) presented(text string) bool {
	for _, v := range r.whole {
		if len(v) <= len(text) && strings.Contains(text, v) {
			return true
		}
	}
	return r.overwhelmed()
}
