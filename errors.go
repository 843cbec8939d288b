package keyfit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/keyfit/keyfit/internal/oneline"
)

// The classes of failure, for errors.Is. A class says what a caller can do about it; the
// types below carry the details.
var (
	// ErrUnauthorized: the provider refused the credential, or saw none.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrForbidden: the credential is good and may not do this.
	ErrForbidden = errors.New("forbidden")
	// ErrNotFound: no such resource (404, 410).
	ErrNotFound = errors.New("not found")
	// ErrConflict: the resource is in another state than the request supposes (409, 412).
	ErrConflict = errors.New("conflict")
	// ErrBadRequest: the request itself is wrong (400, 422); sending it again is useless.
	ErrBadRequest = errors.New("bad request")
	// ErrRateLimited: a limit is used up, by the provider's word or by our own count.
	ErrRateLimited = errors.New("rate limited")
	// ErrServer: the provider failed (5xx).
	ErrServer = errors.New("server error")

	// ErrNoKey: no source had a key. A [Source] wraps it to say "nothing here, go on".
	ErrNoKey = errors.New("no key")
	// ErrNoUsableKey: the provider refuses every key there is; see [HoldCalls].
	ErrNoUsableKey = errors.New("no usable key")
	// ErrInsecure: a key would have gone over plain http. Nothing was sent.
	ErrInsecure = errors.New("refused to send a key over plain http")
	// ErrCrossOrigin: a request or redirect leads to another origin than the provider's.
	// Nothing was sent there.
	ErrCrossOrigin = errors.New("refused to leave the provider's origin")
	// ErrTooLarge: the answer is larger than the limit; see [WithMaxResponseBytes].
	ErrTooLarge = errors.New("response too large")
)

// The codes of the four refusals that have a type of their own. Where a vendor has no
// such code, [APIError.Code] holds the vendor's own or "", and the type says the same.
const (
	CodeMissingKey  = "MISSING_API_KEY"
	CodeInvalidKey  = "INVALID_API_KEY"
	CodeRateLimited = "RATE_LIMIT_EXCEEDED"
	CodePermission  = "INSUFFICIENT_PERMISSIONS"
)

// APIError is an answer that the caller did not want, and the base under
// [MissingKeyError], [InvalidKeyError], [RateLimitError] and [PermissionError]: errors.As
// finds both. All text in it is the provider's with every live key taken out.
type APIError struct {
	Provider   string // the provider's name
	Method     string // the method of the request
	Path       string // its path, without query
	StatusCode int    // the HTTP status; 0 if nothing was sent
	Code       string // the provider's error code; "" if it gave none
	Message    string // the provider's own words, or what we know; may be ""
	RequestID  string // the provider's id of this exchange; "" if it gave none
	Attempts   int    // how often the request went out for this call
	// KeyFingerprint names the credential used, see [Credential.Fingerprint].
	KeyFingerprint string
	// Header is the answer's header, without cookies.
	Header http.Header `json:"-"`
	// Note is what the client adds: why it did not try again, or a second reading of the
	// status. It is "" if there is nothing to add.
	Note string

	body []byte
}

// Body returns the answer's body as received, 64 KiB at most, with live keys taken out.
// It is a method so that no printer or encoder shows it by accident. Errors of the same
// answer share it, so it must not be changed.
func (e *APIError) Body() []byte { return e.body }

// Error is one line: provider, method, path, status, code, message, and what helps to
// find the exchange again. It has no query, no body and no key.
func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s %s: ", e.Provider, e.Method, e.Path)
	if e.StatusCode != 0 {
		b.WriteString(strings.TrimSpace(strconv.Itoa(e.StatusCode) + " " + http.StatusText(e.StatusCode)))
	} else {
		b.WriteString("not sent")
	}
	for _, part := range []string{e.Code, e.Message} {
		if part != "" {
			b.WriteString(": " + part)
		}
	}
	var notes []string
	if e.Note != "" {
		notes = append(notes, e.Note)
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
		b.WriteString(" (" + strings.Join(notes, ", ") + ")")
	}
	return b.String()
}

// Is matches the class of the status. The four typed errors add their own.
func (e *APIError) Is(target error) bool {
	switch s := e.StatusCode; target {
	case ErrUnauthorized:
		return s == http.StatusUnauthorized
	case ErrForbidden:
		return s == http.StatusForbidden
	case ErrNotFound:
		return s == http.StatusNotFound || s == http.StatusGone
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

// LogValue is the error as a group of attributes, without header and body.
func (e *APIError) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("provider", e.Provider), slog.String("method", e.Method), slog.String("path", e.Path),
		slog.Int("status", e.StatusCode), slog.Int("attempts", e.Attempts),
	}
	for _, a := range [][2]string{{"code", e.Code}, {"message", e.Message}, {"request_id", e.RequestID}, {"key", e.KeyFingerprint}, {"note", e.Note}} {
		if a[1] != "" {
			attrs = append(attrs, slog.String(a[0], a[1]))
		}
	}
	return slog.GroupValue(attrs...)
}

// MissingKeyError is MISSING_API_KEY: the provider saw no credential. The key itself is
// not in question; something between here and there took it off, or the scheme is wrong.
type MissingKeyError struct{ *APIError }

// Unwrap returns the [APIError].
func (e *MissingKeyError) Unwrap() error { return e.APIError }

// Is matches [ErrUnauthorized].
func (e *MissingKeyError) Is(target error) bool { return target == ErrUnauthorized }

// InvalidKeyError is INVALID_API_KEY: the provider refused the credential, and neither a
// newer one nor the previous one was accepted in its place.
type InvalidKeyError struct {
	*APIError
	// Unusable says that no key at hand works: the call was held in vain, or not sent since
	// the provider refuses every key. The error is then also [ErrNoUsableKey].
	Unusable bool
	// NotReplayed says that another key was not tried, since the body is a stream that
	// cannot be sent a second time. Give the request a GetBody.
	NotReplayed bool

	cause error // why the wait for a key ended; nil if that was the ring's own time
}

// Unwrap returns the [APIError], and the context's error if that ended the wait for a key.
func (e *InvalidKeyError) Unwrap() []error {
	if e.cause != nil {
		return []error{e.APIError, e.cause}
	}
	return []error{e.APIError}
}

// Is matches [ErrUnauthorized], and [ErrNoUsableKey] if Unusable is set.
func (e *InvalidKeyError) Is(target error) bool {
	return target == ErrUnauthorized || e.Unusable && target == ErrNoUsableKey
}

// RateLimitError is RATE_LIMIT_EXCEEDED: the provider's limit is used up and waiting for
// it does not fit [RetryPolicy.MaxWait] or the caller's deadline, or was not allowed. If
// the limit is only foreseen, nothing was sent and StatusCode is 0.
type RateLimitError struct {
	*APIError
	// RetryAfter is how long from now a request may succeed; 0 if nobody knows.
	RetryAfter time.Duration
	// Deadline says that the wait would have fitted but for the caller's deadline. The
	// error is then also context.DeadlineExceeded, though the deadline is still ahead.
	Deadline bool
}

// Error adds the wait to the line of the [APIError].
func (e *RateLimitError) Error() string {
	text := e.APIError.Error()
	if e.RetryAfter > 0 {
		text += ": retry after " + e.RetryAfter.Round(time.Millisecond).String()
	}
	if e.Deadline {
		text += ", which is beyond the deadline"
	}
	return text
}

// Unwrap returns the [APIError].
func (e *RateLimitError) Unwrap() error { return e.APIError }

// Is matches [ErrRateLimited], and context.DeadlineExceeded if Deadline is set.
func (e *RateLimitError) Is(target error) bool {
	return target == ErrRateLimited || e.Deadline && target == context.DeadlineExceeded
}

// LogValue is the error as a group of attributes.
func (e *RateLimitError) LogValue() slog.Value {
	return slog.GroupValue(append(e.APIError.LogValue().Group(), slog.Duration("retry_after", e.RetryAfter), slog.Bool("deadline", e.Deadline))...)
}

// PermissionError is INSUFFICIENT_PERMISSIONS: the credential is good and may not do this.
type PermissionError struct {
	*APIError
	// Ambiguous is set where the provider documents one status for "may not" and "is not
	// there" (MindKey answers 404 for both). The error is then also [ErrNotFound].
	Ambiguous bool
}

// Unwrap returns the [APIError].
func (e *PermissionError) Unwrap() error { return e.APIError }

// Is matches [ErrForbidden].
func (e *PermissionError) Is(target error) bool { return target == ErrForbidden }

// RequestError is a call that got no usable answer: a connection that failed, a context
// that ended, a redirect that was refused, an answer too large. The cause is reachable by
// errors.Is and errors.As (net.Error, context and TLS errors, [ErrCrossOrigin] …); the
// *url.Error that net/http puts around it is not, since it prints the URL.
type RequestError struct {
	Provider, Method, Path string // Path is without query
	StatusCode             int    // the status, if one came; else 0
	Attempts               int    // how often the request went out
	KeyFingerprint         string // the credential used; "" if none was
	Note                   string // why it was not tried again; may be ""
	Err                    error  // the cause
	Last                   *APIError
}

// Error is one line without query and key.
func (e *RequestError) Error() string {
	text := fmt.Sprintf("%s: %s %s: %s", e.Provider, e.Method, e.Path, oneline.Text(e.Err.Error(), 500))
	if e.Last != nil {
		text += fmt.Sprintf(", after %d %s", e.Last.StatusCode, http.StatusText(e.Last.StatusCode))
	}
	var notes []string
	if e.Note != "" {
		notes = append(notes, e.Note)
	}
	if e.Attempts > 1 {
		notes = append(notes, strconv.Itoa(e.Attempts)+" attempts")
	}
	if len(notes) > 0 {
		text += " (" + strings.Join(notes, ", ") + ")"
	}
	return text
}

// Unwrap returns the cause and, if an earlier attempt was answered, that answer.
func (e *RequestError) Unwrap() []error {
	if e.Last != nil {
		return []error{e.Err, e.Last}
	}
	return []error{e.Err}
}

// LogValue is the error as a group of attributes.
func (e *RequestError) LogValue() slog.Value {
	return slog.GroupValue(slog.String("provider", e.Provider), slog.String("method", e.Method), slog.String("path", e.Path),
		slog.Int("attempts", e.Attempts), slog.String("key", e.KeyFingerprint), slog.String("error", e.Error()))
}

// DecodeError is an answer with a good status whose JSON is not the type asked for.
type DecodeError struct {
	Provider, Method, Path string // Path is without query
	StatusCode             int
	Field                  string // the JSON field, dotted; "" if the JSON itself is broken
	Reason                 string // what was found and what was wanted, without any value
	Err                    error  // the decoder's error; nil if its text held the key
}

// Error is one line that names path, status and field, and no value.
func (e *DecodeError) Error() string {
	where := ""
	if e.Field != "" {
		where = "field " + e.Field + ": "
	}
	return fmt.Sprintf("%s: %s %s: %d answer cannot be decoded: %s%s", e.Provider, e.Method, e.Path, e.StatusCode, where, e.Reason)
}

// Unwrap returns the decoder's error.
func (e *DecodeError) Unwrap() error { return e.Err }

// Tried is one place where a key was looked for.
type Tried struct {
	Place  string // "environment variable IMKIT_API_KEY"
	Reason string // "not set"
}

// NoKeyError says that no source had a usable key: every place tried, and why. It is
// [ErrNoKey] for errors.Is, and so are the places' own errors (fs.ErrPermission …).
type NoKeyError struct {
	Provider string // "" if the source was not asked for a provider
	Tried    []Tried

	errs   []error
	broken bool // the last place should have had a key
}

// Error is one line that lists the places and what to do.
func (e *NoKeyError) Error() string {
	places := make([]string, 0, len(e.Tried))
	for _, t := range e.Tried {
		places = append(places, t.Place+": "+t.Reason)
	}
	text := "no key"
	if e.Provider != "" {
		text = e.Provider + ": no key"
	}
	if len(places) == 0 {
		return text + ": no place to look for one was given"
	}
	return text + ": " + strings.Join(places, "; ")
}

// Is matches [ErrNoKey].
func (e *NoKeyError) Is(target error) bool { return target == ErrNoKey }

// Unwrap returns the error of every place tried.
func (e *NoKeyError) Unwrap() []error { return e.errs }

// add records that source number i had no key because of err.
func (e *NoKeyError) add(i int, s Source, err error) {
	e.errs = append(e.errs, err)
	if nested, ok := errors.AsType[*NoKeyError](err); ok {
		e.Tried = append(e.Tried, nested.Tried...)
		return
	}
	t := Tried{Place: fmt.Sprintf("source %d (%T)", i+1, s), Reason: oneline.Text(err.Error(), 200)}
	if se, ok := errors.AsType[*sourceError](err); ok {
		t = Tried{Place: se.place, Reason: se.err.Error()}
	}
	t.Reason = strings.TrimSuffix(t.Reason, " ("+ErrNoKey.Error()+")")
	e.Tried = append(e.Tried, t)
}
