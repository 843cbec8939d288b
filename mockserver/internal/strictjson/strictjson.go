// Package strictjson decodes JSON that people write: it refuses what it does
// not know, and its errors speak of the JSON, not of Go types.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Decode decodes one JSON document. Unknown members and anything behind the
// document are errors; a byte order mark before it, which editors on Windows write,
// is not.
func Decode(data []byte, into any) error {
	data = Bare(data)
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	d.UseNumber() // a large number stays what it is
	if err := d.Decode(into); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			wrong.Field = Member(wrong, into)
		}
		return Explain(err, len(data))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("unexpected data after the end of the JSON")
	}
	return nil
}

// Bare returns a JSON text without the byte order mark before it.
func Bare(data []byte) []byte { return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) }

// Explain says of an error of encoding/json what is wrong with the JSON, which
// has size bytes.
func Explain(err error, size int) error {
	syntax, isSyntax := errors.AsType[*json.SyntaxError](err)
	wrong, isWrong := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("empty, not JSON")
	case errors.Is(err, io.ErrUnexpectedEOF), isSyntax && int(syntax.Offset) >= size:
		return fmt.Errorf("cut short: the JSON does not end (%d bytes)", size)
	case isSyntax:
		return fmt.Errorf("not JSON: %s at byte %d", syntax.Error(), syntax.Offset)
	case isWrong && wrong.Field == "":
		return fmt.Errorf("wrong type: %s", wrong.Value)
	case isWrong:
		return fmt.Errorf("%s has the wrong type: %s", wrong.Field, wrong.Value)
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}

// IsWrongType reports whether err is about a value of the wrong type in
// otherwise valid JSON.
func IsWrongType(err error) bool {
	_, ok := errors.AsType[*json.UnmarshalTypeError](err)
	return ok
}
