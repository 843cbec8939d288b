package keyfit

import (
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// APIError is an error response of the provider, and the base of [MissingKeyError],
// [InvalidKeyError], [RateLimitError] and [PermissionError]: errors.As finds both. All of its
// text is redacted of every key that the client, its tenants and the clients of [Client.With]
// hold, or have held within an hour (the last 1,024).
//
// A call that was not sent because of the response to another call, a 429 or a refusal of
// the key, has the status, code and message of that response, and Note says why it was not
// sent. If the call made no attempt at all, Attempts is 0.
//
// A test can make each of these errors as a literal, such as
//
//	&keyfit.RateLimitError{APIError: &keyfit.APIError{StatusCode: 429}, RetryAfter: time.Minute}
//
// or, with a body and as a provider's response gives it, by [ErrorOf].
type APIError struct {
	Provider   string // the provider's name
	Method     string // the method of the request
	Path       string // its path, without query
	StatusCode int    // the HTTP status; 0 if nothing was sent, except as said above
	Code       string // the provider's error code; "" if it gave none
	// Message is in the provider's own words, or our explanation if nothing was sent. It may be
	// "", as it is for a body of plain text; see [ReadError].
	Message   string
	RequestID string // the provider's id of this exchange; "" if it gave none
	// RetryAfter is how long the response asks to wait before the next request; 0 if it does
	// not say.
	RetryAfter time.Duration
	Attempts   int // how many attempts the call made
	// History has the attempts of the call that did not succeed, the last one included; nil
	// for an error that is not the end of a call.
	History []Attempt `json:"-"`
	// KeyFingerprint identifies the credential used; see [Credential.Fingerprint].
	KeyFingerprint string
	// Header is the header of the response, without cookies.
	Header http.Header `json:"-"`
	// Note is what the client adds: why it did not try again, or a second interpretation of
	// the status. It is "" if there is nothing to add.
	Note string

	body []byte
}

// Body returns the body of the response as received, at most 64 KiB, with live keys
// redacted. It is a method so that no printer or encoder shows it by accident. Errors of
// the same response share the slice, so it must not be changed.
func (e *APIError) Body() []byte {
	if e == nil {
		return nil
	}
	return e.body
}

// Error returns one line: provider, method, path, status, code, message, how long to wait,
// and what identifies the exchange. It contains no query, no body and no key.
func (e *APIError) Error() string {
	if e == nil {
		return "no response"
	}
	return e.line(e.RetryAfter)
}

func (e *APIError) line(wait time.Duration) string {
	status := "not sent"
	if e.StatusCode != 0 {
		status = strings.TrimSpace(strconv.Itoa(e.StatusCode) + " " + http.StatusText(e.StatusCode))
	}
	text := joinFilled(": ", e.Provider, joinFilled(" ", e.Method, e.Path), status, e.Code, e.Message)
	var notes []string
	if e.Note != "" {
		notes = append(notes, e.Note)
	}
	if wait > 0 {
		notes = append(notes, "retry after "+wait.Round(time.Millisecond).String())
	}
	if e.RequestID != "" {
		notes = append(notes, "request id "+e.RequestID)
	}
	if e.Attempts > 1 {
		notes = append(notes, strconv.Itoa(e.Attempts)+" attempts")
	}
	if e.KeyFingerprint != "" {
		notes = append(notes, "key "+e.KeyFingerprint)
	}
	if len(notes) > 0 {
		text += " (" + strings.Join(notes, ", ") + ")"
	}
	return text
}

// joinFilled joins the parts that are not empty.
func joinFilled(separator string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), separator)
}

// lineOr is the line without the wait, or what a typed error without a base says.
func (e *APIError) lineOr(zero string) string {
	if e == nil {
		return zero
	}
	return e.line(0)
}

// unwrapped returns e as an error; nil for a nil e.
func (e *APIError) unwrapped() error {
	if e == nil {
		return nil
	}
	return e
}

// Is matches the class of the status. The four typed errors add their own classes.
func (e *APIError) Is(target error) bool {
	if e == nil {
		return false
	}
	switch s := e.StatusCode; target {
	case ErrUnauthorized:
		return s == http.StatusUnauthorized
	case ErrForbidden:
		return s == http.StatusForbidden
	case ErrNotFound:
		return s == http.StatusNotFound || s == http.StatusGone
	case ErrNotModified:
		return s == http.StatusNotModified
	case ErrConflict:
		return s == http.StatusConflict || s == http.StatusPreconditionFailed
	case ErrBadRequest:
		return s == http.StatusBadRequest || s == http.StatusUnprocessableEntity
	case ErrRateLimited:
		return s == http.StatusTooManyRequests
	case ErrServer:
		return s >= 500
	}
	return false
}

// LogValue returns the error as a group of attributes, without header and body.
func (e *APIError) LogValue() slog.Value {
	if e == nil {
		return slog.GroupValue()
	}
	attrs := []slog.Attr{
		slog.String("provider", e.Provider), slog.String("method", e.Method), slog.String("path", e.Path),
		slog.Int("status", e.StatusCode), slog.Int("attempts", e.Attempts),
	}
	for _, a := range [][2]string{{"code", e.Code}, {"message", e.Message}, {"request_id", e.RequestID}, {"key", e.KeyFingerprint}, {"note", e.Note}} {
		if a[1] != "" {
			attrs = append(attrs, slog.String(a[0], a[1]))
		}
	}
	if e.RetryAfter > 0 {
		attrs = append(attrs, slog.Duration("retry_after", e.RetryAfter))
	}
	return slog.GroupValue(attrs...)
}
