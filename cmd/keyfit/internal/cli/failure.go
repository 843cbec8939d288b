package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// ValueError is a value that is not allowed where it was given. Its text says what was given,
// what is allowed, and the nearest name, if one is near.
type ValueError struct {
	Place   string   // where it was given, such as --outcome, KEYFIT_LOG or PROVIDER; "" if the caller adds it
	Value   string   // what was given
	Want    string   // what is allowed, as "a whole number"; "" for one of Allowed
	Allowed []string // the names that are allowed, if they are few
	Nearest string   // the allowed name that was probably meant
}

// Unknown returns the error for a name that is not one of those allowed.
func Unknown(place, value string, allowed []string) *ValueError {
	return &ValueError{Place: place, Value: value, Allowed: allowed, Nearest: Nearest(value, allowed)}
}

func (e *ValueError) Error() string {
	var b strings.Builder
	if e.Place != "" {
		b.WriteString(e.Place + " ")
	}
	b.WriteString(quoted(hidden(e.Value)))
	switch {
	case e.Want != "":
		b.WriteString(" is not " + e.Want)
	case len(e.Allowed) > 0:
		b.WriteString(" is not one of " + List(e.Allowed))
	default:
		b.WriteString(" is not allowed")
	}
	if e.Nearest != "" {
		b.WriteString("; did you mean " + strconv.Quote(e.Nearest) + "?")
	}
	return b.String()
}

// quoted is a value as an error shows it: its beginning, if it is long.
func quoted(s string) string {
	const long = 80
	if r := []rune(s); len(r) > long {
		s = string(r[:long]) + "…"
	}
	return strconv.Quote(s)
}

// At returns a usage error that names the place of a wrong value. An error of another kind is
// wrapped with the place before it.
func At(place string, err error) error {
	if v, ok := errors.AsType[*ValueError](err); ok {
		named := *v
		named.Place = place
		return UsageError{&named}
	}
	return UsageError{fmt.Errorf("%s: %w", place, err)}
}

// failure is an error as --json writes it: one object on a line of the standard error.
type failure struct {
	Error    string   `json:"error"`
	Kind     string   `json:"kind"` // usage or failure
	ExitCode int      `json:"exitCode"`
	Help     string   `json:"help,omitempty"` // the command that explains the usage
	Place    string   `json:"place,omitempty"`
	Value    string   `json:"value,omitempty"`
	Allowed  []string `json:"allowed,omitempty"`
	Nearest  string   `json:"nearest,omitempty"`
}

// Fail writes an error for people, or as JSON with --json, and returns the exit code. help is
// the command whose --help explains what is allowed.
func (t *Terminal) Fail(err error, help string) int {
	if code, ok := errors.AsType[ExitError](err); ok {
		return int(code)
	}
	f := failure{Error: hideTyped(strings.TrimPrefix(err.Error(), "mockserver: "), t.Typed), Kind: "failure", ExitCode: ExitFailure}
	if _, ok := errors.AsType[UsageError](err); ok {
		f.Kind, f.ExitCode, f.Help = "usage", ExitUsage, help+" --help"
	}
	if v, ok := errors.AsType[*ValueError](err); ok {
		f.Place, f.Value, f.Allowed, f.Nearest = v.Place, hidden(v.Value), v.Allowed, v.Nearest
	}
	switch {
	case t.JSON:
		writeLine(t.Err, f)
	case f.Help != "":
		_, _ = fmt.Fprintf(t.Err, "keyfit: %s; see `%s`\n", Line(f.Error), f.Help) // there is nowhere else to report it
	default:
		_, _ = fmt.Fprintf(t.Err, "keyfit: %s\n", Line(f.Error))
	}
	return f.ExitCode
}

// Notice tells a person, on the standard error, what is no failure: with --json as an object
// on a line.
func (t *Terminal) Notice(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if t.JSON {
		writeLine(t.Err, struct {
			Notice string `json:"notice"`
		}{text})
		return
	}
	_, _ = fmt.Fprintf(t.Err, "keyfit: %s\n", Line(text)) // nobody reads it
}

func writeLine(w io.Writer, v any) {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) //nolint:errchkjson // texts and numbers; there is nowhere else to report it
}
