package keyfit

import (
	"encoding/json"
	"net/http"

	"github.com/keyfit/keyfit/internal/problem"
	"github.com/keyfit/keyfit/internal/redact"
)

// ErrorDetails is what the JSON body of an error says beside its code and message: the members
// that RFC 9457 names, and the list of several errors that many APIs send. Each field is zero
// if the body does not say it.
type ErrorDetails struct {
	Type, Title, Detail, Instance string // RFC 9457, section 3.1
	Status                        int
	// Errors are at most 16 errors, for the first shape that the body has: errors[] of RFC 9457,
	// JSON:API or GraphQL, detail[] of FastAPI, details[] of Google, or a text for each field.
	Errors []ErrorItem
	// Members are the other members of the object: the extensions of RFC 9457.
	Members map[string]json.RawMessage
}

// ErrorItem is one of several errors of a response.
type ErrorItem struct {
	Code    string
	Message string
	Path    string // what it is about: a field, a JSON pointer, a parameter; "" if not said
}

// Details returns what the body says beside its code and message; false if it is neither a
// JSON object nor a list, or was cut off. As with [APIError.Body], no printer shows it by
// accident, live keys are redacted, and the values must not be changed.
func (e *APIError) Details() (ErrorDetails, bool) {
	found, ok := problem.ParseDetails(e.Body())
	d := ErrorDetails{
		Type: found.Type, Title: found.Title, Detail: found.Detail, Instance: found.Instance, Status: found.Status,
		Members: found.Members,
	}
	for _, it := range found.Errors {
		d.Errors = append(d.Errors, ErrorItem{Code: it.Code, Message: it.Message, Path: it.Path})
	}
	return d, ok
}

// ErrorOf returns the error of a call to p with this response: nil for a success, otherwise
// what [Get] returns for it. It is for tests: of code that handles errors, and of a
// [Provider.ReadError]. No key is known, so none is redacted.
func ErrorOf(p Provider, status int, h http.Header, body []byte) error {
	if status < http.StatusMultipleChoices && !p.ErrorsInSuccess {
		return nil
	}
	rd := p.readAnswer(status, h, string(body), redact.Redactor{})
	if rd.err == nil {
		return nil
	}
	return rd.err.typed(rd.kind)
}
