package redact

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
)

// JSON hides credentials in the strings of a valid JSON text, member names
// included, and keeps all else. A hidden string becomes Mark, "#" and eight
// digits of its SHA-256: hidden IDs stay distinct, and what refers to them
// still does. A string that has no credential is kept, however long it is and whatever
// it is encoded in.
func (r *Redactor) JSON(raw json.RawMessage) json.RawMessage {
	r.data = true
	defer func() { r.data = false }()
	text := string(raw)
	var b strings.Builder
	last := 0
	for i := 0; i < len(text); i++ {
		if text[i] != '"' {
			continue
		}
		end := stringEnd(text, i)
		plain := text[i+1 : end-1]
		if strings.IndexByte(plain, '\\') >= 0 && json.Unmarshal([]byte(text[i:end]), &plain) != nil {
			plain = "" // cannot happen in valid JSON
		}
		if r.Text(plain) != plain {
			sum := sha256.Sum256([]byte(plain))
			b.WriteString(text[last:i] + `"` + Mark + "#" + hex.EncodeToString(sum[:4]) + `"`)
			last = end
		}
		i = end - 1
	}
	if last == 0 {
		return raw
	}
	return json.RawMessage(b.String() + text[last:])
}
