package keyfit

import (
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
)

// This file finds what asks a server for another operation than the request line: many servers
// take the method, and some the path, from somewhere else.

// override returns what asks for another method or path; "" if nothing does.
func override(req *http.Request) string {
	for name := range req.Header {
		if isOverride(name) {
			return "header " + name
		}
	}
	if isOverrideIn(req.URL.RawQuery) {
		return "query"
	}
	if isOverrideInForm(req) {
		return "form"
	}
	return ""
}

// isOverride reports whether a header, a parameter or a field of a form is known to overrule the
// request line.
func isOverride(name string) bool {
	for _, known := range [...]string{
		"X-Http-Method-Override", "X-Http-Method", "X-Method-Override", "_method", "_httpmethod", // the method
		"X-Original-Url", "X-Rewrite-Url", // the path
	} {
		if sameField(name, known) {
			return true
		}
	}
	return false
}

// isOverrideIn looks at the names of a query.
func isOverrideIn(query string) bool {
	for pair := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		name, _, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); err == nil && isOverride(strings.TrimSpace(plain)) {
			return true
		}
	}
	return false
}

// isOverrideInForm looks at the body of a form, if it can be read again.
func isOverrideInForm(req *http.Request) bool {
	media, params, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	isForm, isMultipart := media == "application/x-www-form-urlencoded", media == "multipart/form-data"
	if err != nil || !isForm && !isMultipart || req.GetBody == nil {
		return false
	}
	body, err := req.GetBody()
	if err != nil || body == nil {
		return false
	}
	defer func() { _ = body.Close() }()
	if isForm {
		content, _ := io.ReadAll(body)
		return isOverrideIn(string(content))
	}
	for parts := multipart.NewReader(body, params["boundary"]); ; {
		part, err := parts.NextRawPart()
		if err != nil {
			return false
		}
		if isOverride(part.FormName()) {
			return true
		}
	}
}
