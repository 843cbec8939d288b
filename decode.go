package keyfit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/keyfit/keyfit/internal/httpbody"
)

// This file decodes the response to a typed call.

// checkDecodable returns an error for a *T that no response can be decoded into, before
// anything is sent.
func checkDecodable(value any) error {
	t := reflect.TypeOf(value).Elem()
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.UnsafePointer:
	case reflect.Interface:
		if t.NumMethod() == 0 {
			return nil
		}
	default:
		return nil
	}
	return fmt.Errorf("no response can be decoded into a Go %s: Client.Do returns the response as it is", t)
}

// decode reads a success response into value, which is a *T.
func (k *call) decode(resp *http.Response, limit int64, value any) error {
	err := decodeBody(resp, k.method, limit, k.bodyTime(), value)
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*DecodeError](err)
	if !ok {
		return k.failure(err)
	}
	redactor := k.redactor()
	e.Provider, e.Method, e.Path = k.client.provider.Name, k.method, redactor.Text(k.path())
	e.Field, e.Reason = redactor.Text(e.Field), redactor.Text(e.Reason)
	if clean := redactor.Error(e.Err); clean != e.Err { //nolint:errorlint // the very same value
		e.Err = nil
	}
	return e
}

// bodyTime bounds the reading of a response for callers who set no bound, so that a stalled
// body does not block a goroutine for ever. 0 means no bound.
func (k *call) bodyTime() time.Duration {
	if _, bounded := k.Deadline(); bounded || k.policy.AttemptTimeout > 0 {
		return 0
	}
	return maxBodyTime
}

const maxBodyTime = 5 * time.Minute

// decodeBody decodes the response to a method. The error is a [*DecodeError], which does not
// name the call yet, or that of reading the body.
func decodeBody(resp *http.Response, method string, limit int64, within time.Duration, value any) error {
	if _, ok := value.(*struct{}); ok {
		return nil
	}
	raw, wantsRaw := value.(*[]byte)
	if err := httpbody.Uncompress(resp); err != nil && !wantsRaw {
		return &DecodeError{StatusCode: resp.StatusCode, Reason: err.Error() + ", which is not decoded", Err: err}
	}
	body, err := httpbody.Read(resp, max(limit, limit+1), within)
	if err != nil {
		return fmt.Errorf("the response broke off: %w", err)
	}
	if int64(len(body)) > limit {
		return fmt.Errorf("%w: more than %d bytes; see WithMaxResponseBytes", ErrTooLarge, limit)
	}
	_ = resp.Body.Close() // all of it is here: nothing to drain
	resp.Body = http.NoBody
	if wantsRaw {
		*raw = body
		return nil
	}
	return decodeText(resp, method, body, value)
}

// decodeText decodes a body that is a text: JSON, or what a *string takes.
func decodeText(resp *http.Response, method string, body []byte, value any) error {
	contentType := resp.Header.Get("Content-Type")
	body, err := httpbody.UTF8(contentType, body)
	if err != nil {
		return &DecodeError{StatusCode: resp.StatusCode, Reason: err.Error() + ", which is not decoded", Err: err}
	}
	isJSON := strings.Contains(contentType, "json")
	if text, ok := value.(*string); ok && !isJSON {
		*text = string(body)
		return nil
	}
	if len(bytes.TrimSpace(body)) == 0 && mayBeEmpty(method, resp.StatusCode) {
		return nil
	}
	if err := json.Unmarshal(body, value); err != nil {
		return decodeError(resp.StatusCode, body, isJSON, value, err)
	}
	return nil
}

// mayBeEmpty reports whether a good response without content is a success: whoever asks for
// something wants it, and whoever does something wants it done.
func mayBeEmpty(method string, status int) bool {
	return method != http.MethodGet || status == http.StatusNoContent || status == http.StatusResetContent
}

// decodeError says which types were found and expected, and no value: the decoder's own
// text may quote the response.
func decodeError(status int, body []byte, isJSON bool, value any, err error) error {
	e := &DecodeError{StatusCode: status, Err: err}
	wrongType, isType := errors.AsType[*json.UnmarshalTypeError](err)
	syntax, isSyntax := errors.AsType[*json.SyntaxError](err)
	switch {
	case len(body) == 0:
		e.Reason = "the body is empty, and a Go " + strings.TrimPrefix(fmt.Sprintf("%T", value), "*") + " was asked for"
	case isType:
		kind, _, _ := strings.Cut(wrongType.Value, " ") // "number 12" would quote the value
		e.Field, e.Reason = wrongType.Field, fmt.Sprintf("found a JSON %s, wanted a Go %s", kind, wrongType.Type)
	case isSyntax && isJSON:
		e.Reason = fmt.Sprintf("broken JSON at byte %d of %d", syntax.Offset, len(body))
	case isSyntax:
		e.Reason = "the body is not JSON"
	default:
		e.Reason = fmt.Sprintf("the decoder of the type failed (%T)", err)
	}
	return e
}
