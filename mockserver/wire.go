package mockserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// How limits, faults and diagnoses look in JSON: durations as "37s", kinds by
// name. State files, the admin API, the configuration and the command line all
// read and write this.

// strict decodes one JSON document and refuses unknown members and whatever
// follows it.
func strict(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return plainJSONError(err, len(data))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is something after the end of the JSON")
	}
	return nil
}

// plainJSONError says in words for people what encoding/json says about Go.
func plainJSONError(err error, size int) error {
	syntax, isSyntax := errors.AsType[*json.SyntaxError](err)
	wrong, isWrong := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("it is empty")
	case errors.Is(err, io.ErrUnexpectedEOF), isSyntax && int(syntax.Offset) >= size:
		return fmt.Errorf("it is cut short: the JSON does not end (%d bytes)", size)
	case isSyntax:
		return fmt.Errorf("it is not JSON: %s at byte %d", syntax.Error(), syntax.Offset)
	case isWrong && wrong.Field == "":
		return fmt.Errorf("a %s stands where another kind of value belongs", wrong.Value)
	case isWrong:
		return fmt.Errorf("%s is a %s, which it must not be", wrong.Field, wrong.Value)
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}

func isWrongType(err error) bool {
	_, ok := errors.AsType[*json.UnmarshalTypeError](err)
	return ok
}

// String is "fixed" or "sliding".
func (k LimitKind) String() string {
	if k == Sliding {
		return "sliding"
	}
	return "fixed"
}

// MarshalText writes String.
func (k LimitKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads "fixed", "sliding" or nothing, which is fixed.
func (k *LimitKind) UnmarshalText(text []byte) error {
	switch string(text) {
	case "fixed", "":
		*k = Fixed
	case "sliding":
		*k = Sliding
	default:
		return fmt.Errorf("limit kind %q is neither fixed nor sliding", text)
	}
	return nil
}

type wireLimit struct {
	Requests int       `json:"requests"`
	Per      Duration  `json:"per"`
	Kind     LimitKind `json:"kind"`
}

// MarshalJSON writes {"requests":50,"per":"10s","kind":"sliding"}.
func (l Limit) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireLimit{l.Requests, Duration(l.Per), l.Kind})
}

// UnmarshalJSON reads what MarshalJSON writes. Zero requests is no limit.
func (l *Limit) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	var w wireLimit
	if err := strict(data, &w); err != nil {
		return fmt.Errorf("limit: %w", err)
	}
	if w.Requests < 0 || w.Per < 0 || w.Requests > 0 && w.Per == 0 {
		return errors.New("limit: requests and per must be positive, or requests 0 for no limit")
	}
	*l = Limit{Requests: w.Requests, Per: w.Per.Std(), Kind: w.Kind}
	return nil
}

// MarshalJSON writes the diagnosis with its wait as text.
func (d Diagnosis) MarshalJSON() ([]byte, error) {
	type plain Diagnosis
	return json.Marshal(struct {
		plain
		RetryAfter Duration `json:"retryAfter,omitzero"`
	}{plain(d), Duration(d.RetryAfter)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (d *Diagnosis) UnmarshalJSON(data []byte) error {
	type plain Diagnosis
	var w struct {
		plain
		RetryAfter Duration `json:"retryAfter"`
	}
	if err := json.Unmarshal(data, &w); err != nil {
		return fmt.Errorf("diagnosis: %w", err)
	}
	*d = Diagnosis(w.plain)
	d.RetryAfter = w.RetryAfter.Std()
	return nil
}
