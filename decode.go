package keyfit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/keyfit/keyfit/internal/httpbody"
	"github.com/keyfit/keyfit/internal/redact"
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
func (k *call) decode(resp *http.Response, value any) error {
	if _, ok := value.(*struct{}); ok {
		return nil
	}
	content, err := k.body(resp)
	if err != nil {
		return err
	}
	_ = resp.Body.Close() // all of it is here: nothing to drain
	resp.Body = http.NoBody
	e := decodeContent(resp, k.method, content, value)
	if e == nil {
		return nil
	}
	e.of(k.client.provider.Name, k.method, k.path(), k.redactor())
	return e
}

// of names the call of the error, and redacts it.
func (e *DecodeError) of(provider, method, path string, redactor redact.Redactor) {
	e.Provider, e.Method, e.Path = provider, method, redactor.Text(path)
	e.Field, e.Reason = redactor.Text(e.Field), redactor.Text(e.Reason)
	if clean := redactor.Error(e.Err); clean != e.Err { //nolint:errorlint // the very same value
		e.Err = nil
	}
}

// decodeContent decodes the content of a response to a method, without its codings. The error
// does not name the call yet.
func decodeContent(resp *http.Response, method string, content []byte, value any) *DecodeError {
	if raw, ok := value.(*[]byte); ok {
		*raw = content
		return nil
	}
	if err := httpbody.Uncompress(resp); err != nil && len(content) > 0 { // it is not known, or would be gone
		return &DecodeError{StatusCode: resp.StatusCode, Reason: err.Error() + ", which is not decoded", Err: err}
	}
	contentType := resp.Header.Get("Content-Type")
	content, err := httpbody.UTF8(contentType, content)
	if err != nil {
		return &DecodeError{StatusCode: resp.StatusCode, Reason: err.Error() + ", which is not decoded", Err: err}
	}
	isJSON := strings.Contains(contentType, "json")
	if text, ok := value.(*string); ok && !isJSON {
		*text = string(content)
		return nil
	}
	if len(bytes.TrimSpace(content)) == 0 && mayBeEmpty(method, resp.StatusCode) {
		return nil
	}
	if err := json.Unmarshal(content, value); err != nil {
		return decodeError(resp.StatusCode, content, isJSON, value, err)
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
func decodeError(status int, body []byte, isJSON bool, value any, err error) *DecodeError {
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
