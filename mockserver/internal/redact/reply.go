package redact

import "strings"

// maxRepeated is the length up to which what was read of an answer is remembered.
const maxRepeated = 32 << 10

// repeated is the last answer in which nothing was hidden. Most answers of a test repeat
// the one before, and searching one takes longer than answering.
type repeated struct {
	raw     string // as much as was read of it
	limit   int
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
	raw = raw[:min(len(raw), toRead(limit))]
	version := r.known.Version() // before the text is read: a key may be stored meanwhile
	if last := &r.repeated; !suspect && last.version == version && last.limit == limit && last.raw == string(raw) && !r.presented(last.raw) {
		return last.text
	}
	text := r.Body(raw, "", limit)
	if !suspect && len(raw) <= maxRepeated && !strings.Contains(text, Mark) {
		r.repeated = repeated{string(raw), limit, text, version}
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
