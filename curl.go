package keyfit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/keyfit/keyfit/internal/redact"
)

// This file writes a request as a command line of curl.

// What stands for the credential while a scheme puts it on the request.
const (
	curlKey = "KEYFIT-KEY-PLACEHOLDER"
	curlID  = "KEYFIT-ID-PLACEHOLDER"
)

// maxCurlBody is how much of a body is repeated.
const maxCurlBody = 16 << 10

// Curl returns a command line that sends a request as [Client.Do] does, for a bug report or to
// try it by hand. In place of the key it has the provider's environment variable
// ("$IMKIT_API_KEY"), so the line runs where that is set; what a scheme computes from the key is
// "[redacted]". So are other keys of the client that are in the request, the secrets of
// [WithSecret], and the caller's own headers and parameters whose names are those of credentials
// or cookies. A body is repeated up to 16 KiB if it is text that can be read again; another is the
// file "body". The request is not changed, and nothing is sent.
func (c *Client) Curl(req *http.Request) (string, error) {
	if req == nil || req.URL == nil {
		return "", errors.New(c.provider.Name + ": the request is nil or has no URL")
	}
	text, err := c.curl(req, nil)
	if err != nil {
		return "", fmt.Errorf("%s: no command line for the request: %w", c.provider.Name, err)
	}
	return text, nil
}

// WithCurl sets text to the command line of the call, as [Client.Curl] returns it, when the call
// begins. It is "" if the call cannot begin, or if there is no such line. Concurrent calls must
// not share text, and a nil text is an error.
func WithCurl(text *string) CallOption {
	return callOption(func(c *callConfig) error {
		if text == nil {
			return errors.New("WithCurl: the text is nil")
		}
		*text, c.curl = "", text
		return nil
	})
}

// curl returns the command line of a request; o is nil for a raw one.
func (c *Client) curl(req *http.Request, o *callConfig) (string, error) {
	given := c.within(req)
	out := given.Clone(context.WithoutCancel(given.Context()))
	out.Body, out.GetBody = http.NoBody, nil
	if out.Header == nil {
		out.Header = http.Header{}
	}
	if o != nil && out.Header.Get("Accept") == "" {
		out.Header.Set("Accept", "application/json")
	}
	redactor := c.memory.redactor(slices.Concat(c.ring.live(), o.secret()))
	for name := range out.Header {
		if isPrivate(name) {
			out.Header[name] = []string{"[redacted]"}
		}
	}
	out.URL.RawQuery = withoutPrivate(out.URL.RawQuery)
	if err := c.applyPlaceholder(out); err != nil {
		return "", err
	}
	line := curlLine{redactor: redactor, names: strings.NewReplacer(
		curlKey, variable(c.provider.EnvVar, "KEY"), curlID, variable(c.provider.EnvID, "KEY_ID"),
	)}
	line.method(out.Method)
	u := *out.URL
	u.User, u.Fragment = nil, ""
	line.url(&u)
	for _, name := range slices.Sorted(maps.Keys(out.Header)) {
		for _, value := range out.Header[name] {
			line.header(name, value)
		}
	}
	line.body(given)
	return line.text.String(), nil
}

// applyPlaceholder lets the scheme put a placeholder on the request. Where the scheme computes
// something from it, the result is redacted.
func (c *Client) applyPlaceholder(out *http.Request) error {
	before, at := out.Header.Clone(), *out.URL
	scheme := c.provider.Scheme
	err := scheme.Apply(out, Credential{Key: NewSecret(curlKey)})
	if err != nil {
		out.Header, out.URL = before.Clone(), &at
		err = scheme.Apply(out, Credential{ID: NewSecret(curlID), Key: NewSecret(curlKey)})
	}
	if err != nil || out.URL == nil {
		return errors.New("the scheme takes no placeholder in place of the key")
	}
	for name, values := range out.Header {
		for i, value := range values {
			if !slices.Contains(before[name], value) && !strings.Contains(value, curlKey) && !strings.Contains(value, curlID) {
				out.Header[name][i] = "[redacted]"
			}
		}
	}
	return nil
}

// isPrivate reports whether a header or a parameter of the caller's may hold a credential.
func isPrivate(name string) bool {
	name = strings.ToLower(name)
	for _, word := range [...]string{"auth", "cookie", "token", "secret", "passw", "passphrase", "session", "signature", "credential", "apikey"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return strings.HasSuffix(name, "key") && !strings.Contains(name, "idempotency") || name == "sig" || name == "pwd"
}

// withoutPrivate returns a query in which no parameter holds a credential of the caller's.
func withoutPrivate(query string) string {
	params := strings.Split(query, "&")
	for i, param := range params {
		escaped, _, _ := strings.Cut(param, "=")
		if name, err := url.QueryUnescape(escaped); err != nil || isPrivate(name) {
			params[i] = escaped + "=[redacted]"
		}
	}
	return strings.Join(params, "&")
}

// variable ends a text in single quotes, names a variable, and begins the next text.
func variable(name, other string) string {
	if name == "" {
		name = other
	}
	return `'"$` + name + `"'`
}

// curlLine builds the command line.
type curlLine struct {
	text     strings.Builder
	names    *strings.Replacer
	redactor redact.Redactor
}

// quoted returns a text in single quotes, in which a shell changes nothing; the placeholders
// become variables between two such texts.
func (line *curlLine) quoted(text string) string {
	text = strings.ReplaceAll(line.redactor.Text(text), "'", `'\''`)
	return "'" + line.names.Replace(text) + "'"
}

func (line *curlLine) method(method string) {
	line.text.WriteString("curl")
	switch method {
	case "", http.MethodGet:
	case http.MethodHead:
		line.text.WriteString(" --head")
	default:
		line.text.WriteString(" -X " + line.quoted(method))
	}
}

func (line *curlLine) url(u *url.URL) {
	text := u.String()
	if strings.ContainsAny(text, "[]{}") {
		line.text.WriteString(" --globoff")
	}
	if strings.Contains(u.Path, "/.") {
		line.text.WriteString(" --path-as-is")
	}
	line.text.WriteString(" " + line.quoted(text))
}

func (line *curlLine) header(name, value string) {
	if value == "" {
		line.option("-H", name+";")
		return
	}
	line.option("-H", name+": "+value)
}

func (line *curlLine) option(name, value string) {
	line.text.WriteString(" \\\n  " + name + " " + line.quoted(value))
}

// body adds the body of a request, if there is any.
func (line *curlLine) body(req *http.Request) {
	if req.Body == nil || req.Body == http.NoBody {
		return
	}
	if req.Header.Get("Content-Type") == "" {
		line.option("-H", "Content-Type:") // or curl would add one
	}
	if req.GetBody != nil {
		if body, err := req.GetBody(); err == nil {
			content, err := io.ReadAll(io.LimitReader(body, maxCurlBody+1))
			_ = body.Close()
			if err == nil && len(content) <= maxCurlBody && utf8.Valid(content) && !strings.Contains(string(content), "\x00") {
				line.option("--data-raw", string(content))
				return
			}
		}
	}
	line.option("--data-binary", "@body")
}
