package keyfit

import (
	"net/http"

	"github.com/keyfit/keyfit/internal/problem"
)

// This file has what the vendors document about their errors; see [Provider.ReadError]. imin
// and iiniit document nothing, so theirs are read as [ReadError] does.

// readMindKey: a key without the permission is answered 404, never 403. Source:
// developer.mindkey.com, Connector API, Error handling.
func readMindKey(status int, h http.Header, body []byte) (Problem, bool) {
	p, ok := ReadError(status, h, body)
	if status == http.StatusNotFound {
		p.Class = ClassPermission
	}
	return p, ok
}

// readIMKIT has the codes of both kinds of credential. Source: docs.imkit.io, Authentication,
// and the errors of each operation.
func readIMKIT(status int, h http.Header, body []byte) (Problem, bool) {
	p, ok := ReadError(status, h, body)
	if status >= http.StatusInternalServerError {
		return p, ok
	}
	switch p.Code {
	case CodeMissingKey, "MISSING_CLIENT_KEY", "MISSING_TOKEN":
		p.Class = ClassMissingKey
	case CodeInvalidKey, "INVALID_CLIENT_KEY", "CLIENT_KEY_MISMATCH", "INVALID_AUTH", "INVALID_TOKEN":
		p.Class = ClassInvalidKey
	case CodeRateLimited:
		p.Class = ClassRateLimit
	case CodePermission, "INSUFFICIENT_PERMISSION", "PERMISSION_DENIED":
		p.Class = ClassPermission
	}
	return p, ok
}

// readOptimove: errors are plain text. Source: developer.optimove.com, Authentication Guide
// ("appropriate HTTP status and message"); the texts are those of public clients.
func readOptimove(status int, h http.Header, body []byte) (Problem, bool) {
	p, ok := ReadError(status, h, body)
	if p.Message == "" {
		p.Message = problem.Parse(body).Text
	}
	return p, ok
}
