package keyfit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyfit/keyfit/internal/oneline"
)

// The classes of failure, for errors.Is. A class says what a caller can do; the types below
// carry the details.
var (
	// ErrUnauthorized: the provider refused the credential, or received none (401).
	ErrUnauthorized = errors.New("unauthorized")
	// ErrForbidden: the credential is valid but lacks the permission (403).
	ErrForbidden = errors.New("forbidden")
	// ErrNotFound: no such resource (404, 410).
	ErrNotFound = errors.New("not found")
	// ErrNotModified: the resource is the one that the caller has (304); see [WithIfNoneMatch].
	ErrNotModified = errors.New("not modified")
	// ErrConflict: the resource is not in the state that the request assumes (409, 412).
	ErrConflict = errors.New("conflict")
	// ErrBadRequest: the request itself is invalid (400, 422); sending it again is
	// pointless.
	ErrBadRequest = errors.New("bad request")
	// ErrRateLimited: the limit is used up, according to the provider (429) or to the gate.
	ErrRateLimited = errors.New("rate limited")
	// ErrServer: the provider failed (5xx).
	ErrServer = errors.New("server error")

	// ErrNoKey: no source had a key. A [Source] wraps it to report that it has none, and a
	// [Chain] then continues with the next one.
	ErrNoKey = errors.New("no key")
	// ErrNoUsableKey: the provider refuses every key of the keyring; see [HoldCalls].
	ErrNoUsableKey = errors.New("no usable key")
	// ErrInsecure: the key would have been sent over plain http. Nothing was sent.
	ErrInsecure = errors.New("refused to send a key over plain http")
	// ErrCrossOrigin: a request or redirect leads to another origin than the provider's, or out
	// of the path of the base URL. Nothing was sent there.
	ErrCrossOrigin = errors.New("refused to leave the provider's origin")
	// ErrNotAllowed: the client's [AllowOperations] do not allow the request, which was not sent.
	ErrNotAllowed = errors.New("refused an operation that AllowOperations does not allow")
	// ErrAttemptTimeout: an attempt took longer than its [RetryPolicy.AttemptTimeout], while the
	// context of the call has not ended.
	ErrAttemptTimeout = errors.New("attempt timed out")
	// ErrTooLarge: the response is larger than the limit; see [WithMaxResponseBytes].
	ErrTooLarge = errors.New("response too large")
)

// The codes of the four refusals that have a type of their own. If a vendor has no such
// code, [APIError.Code] contains the vendor's own code or "", and the type says which
// refusal it is.
const (
	CodeMissingKey  = "MISSING_API_KEY"
	CodeInvalidKey  = "INVALID_API_KEY"
	CodeRateLimited = "RATE_LIMIT_EXCEEDED"
	CodePermission  = "INSUFFICIENT_PERMISSIONS"
)

// MissingKeyError is MISSING_API_KEY: the provider received no credential. The key itself
// is not in question: an intermediary removed it, or the scheme is wrong.
type MissingKeyError struct{ *APIError }

// Error returns the line of the [APIError].
func (e *MissingKeyError) Error() string { return e.lineOr("the provider received no key") }

// Unwrap returns the [APIError].
func (e *MissingKeyError) Unwrap() error { return e.unwrapped() }

// Is matches [ErrUnauthorized].
func (e *MissingKeyError) Is(target error) bool { return target == ErrUnauthorized }

// InvalidKeyError is INVALID_API_KEY: the provider refused the credential, and accepted
// neither a newer one nor the previous one in its place.
type InvalidKeyError struct {
	*APIError
	// Unusable is set if no available key works: the call waited and no key became usable,
	// or it was not sent because the provider refuses every key. The error then also
	// matches [ErrNoUsableKey].
	Unusable bool
	// NotReplayed is set if no other key was tried, because the body is a stream that
	// cannot be sent a second time. A GetBody on the request allows it.
	NotReplayed bool

	cause error // why the wait for a key ended; nil if the ring's own limit ended it
}

// Error returns the line of the [APIError].
func (e *InvalidKeyError) Error() string { return e.lineOr("the provider refused the key") }

// Unwrap returns the [APIError], and the error of the context if that ended the wait for a
// key.
func (e *InvalidKeyError) Unwrap() []error {
	var under []error
	if e.APIError != nil {
		under = append(under, e.APIError)
	}
	if e.cause != nil {
		under = append(under, e.cause)
	}
	return under
}

// Is matches [ErrUnauthorized], and [ErrNoUsableKey] if Unusable is set.
func (e *InvalidKeyError) Is(target error) bool {
	return target == ErrUnauthorized || e.Unusable && target == ErrNoUsableKey
}

// RateLimitError is RATE_LIMIT_EXCEEDED: the provider's limit is used up, and waiting for
// it does not fit [RetryPolicy.MaxWait] or the caller's deadline, or was not allowed. If
// the gate refused the call by its own count, nothing was sent and StatusCode is 0. If it
// refused the call because of the 429 of another call, nothing was sent either, and
// StatusCode is 429.
type RateLimitError struct {
	*APIError
	// RetryAfter is the time from now after which a request may succeed; 0 if unknown.
	RetryAfter time.Duration
	// Deadline is set if the wait fits MaxWait but not the caller's deadline. The error
	// then also matches context.DeadlineExceeded, although the deadline has not passed yet.
	Deadline bool
}

// Error adds the wait to the line of the [APIError].
func (e *RateLimitError) Error() string {
	text := e.lineOr("the limit is used up")
	if e.RetryAfter > 0 {
		text += ": retry after " + e.RetryAfter.Round(time.Millisecond).String()
	}
	if e.Deadline {
		text += ", which is beyond the deadline"
	}
	return text
}

// Unwrap returns the [APIError].
func (e *RateLimitError) Unwrap() error { return e.unwrapped() }

// Is matches [ErrRateLimited], and context.DeadlineExceeded if Deadline is set.
func (e *RateLimitError) Is(target error) bool {
	return target == ErrRateLimited || e.Deadline && target == context.DeadlineExceeded
}

// LogValue is the error as a group of attributes.
func (e *RateLimitError) LogValue() slog.Value {
	attrs := slices.DeleteFunc(e.APIError.LogValue().Group(), func(a slog.Attr) bool { return a.Key == "retry_after" })
	return slog.GroupValue(append(attrs, slog.Duration("retry_after", e.RetryAfter), slog.Bool("deadline", e.Deadline))...)
}

// PermissionError is INSUFFICIENT_PERMISSIONS: the credential is valid but lacks the
// permission.
type PermissionError struct {
	*APIError
	// Ambiguous is set if the provider documents one status for a missing permission and
	// for a missing resource (MindKey answers 404 for both). The error then also matches
	// [ErrNotFound].
	Ambiguous bool
}

// Error returns the line of the [APIError].
func (e *PermissionError) Error() string { return e.lineOr("the key lacks the permission") }

// Unwrap returns the [APIError].
func (e *PermissionError) Unwrap() error { return e.unwrapped() }

// Is matches [ErrForbidden].
func (e *PermissionError) Is(target error) bool { return target == ErrForbidden }

// RequestError is a call that got no usable response: the connection failed, the context
// ended, a redirect was refused, or the response was too large. errors.Is and errors.As
// find the cause (net.Error, context and TLS errors, [ErrCrossOrigin] …), but not the
// *url.Error of net/http, because that prints the URL.
type RequestError struct {
	Provider, Method, Path string    // Path is without query
	StatusCode             int       // the status, if one came; else 0
	Attempts               int       // how many attempts the call made
	History                []Attempt // the attempts that did not succeed, the last one included
	KeyFingerprint         string    // the credential used; "" if none was
	Note                   string    // why it was not tried again; may be ""
	Err                    error     // the cause
	Last                   *APIError // the error response of an earlier attempt; nil if there was none
}

// Error returns one line without query and key.
func (e *RequestError) Error() string {
	what := "no usable response"
	if e.Err != nil {
		what = oneline.Text(e.Err.Error(), 500)
	}
	text := joinFilled(": ", e.Provider, joinFilled(" ", e.Method, e.Path), what)
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

// Unwrap returns the cause and, if an earlier attempt got an error response, that response.
func (e *RequestError) Unwrap() []error {
	var under []error
	if e.Err != nil {
		under = append(under, e.Err)
	}
	if e.Last != nil {
		under = append(under, e.Last)
	}
	return under
}

// LogValue is the error as a group of attributes.
func (e *RequestError) LogValue() slog.Value {
	return slog.GroupValue(slog.String("provider", e.Provider), slog.String("method", e.Method), slog.String("path", e.Path),
		slog.Int("attempts", e.Attempts), slog.String("key", e.KeyFingerprint), slog.String("error", e.Error()))
}

// DecodeError is a successful response whose JSON does not match the requested type.
type DecodeError struct {
	Provider, Method, Path string // Path is without query
	StatusCode             int    // the HTTP status
	Field                  string // the JSON field, dotted; "" if the JSON itself is broken
	Reason                 string // what was found and what was expected, without any value
	Err                    error  // the decoder's error; nil if its text contained the key
}

// Error returns one line that names path, status and field, and no value.
func (e *DecodeError) Error() string {
	field := ""
	if e.Field != "" {
		field = "field " + e.Field
	}
	status := strconv.Itoa(e.StatusCode) + " response cannot be decoded"
	return joinFilled(": ", e.Provider, joinFilled(" ", e.Method, e.Path), status, field, e.Reason)
}

// Unwrap returns the decoder's error.
func (e *DecodeError) Unwrap() error { return e.Err }

// Tried is one place where a key was looked for.
type Tried struct {
	Place  string // "environment variable IMKIT_API_KEY"
	Reason string // "not set"
}

// NoKeyError says that no source had a usable key. It lists every place tried, with the
// reason. It matches [ErrNoKey], and the errors of the places (fs.ErrPermission …).
type NoKeyError struct {
	Provider string // "" if the source was asked without a provider
	Tried    []Tried

	errs   []error
	broken bool // the last place should have had a key
}

// Error returns one line that lists the places and the reasons.
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
		return text + ": no source was given: set Provider.EnvVar, or give WithKey or WithSource"
	}
	return text + ": " + strings.Join(places, "; ")
}

// Is matches [ErrNoKey].
func (e *NoKeyError) Is(target error) bool { return target == ErrNoKey }

// Unwrap returns the errors of all places tried.
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
