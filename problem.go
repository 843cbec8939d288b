package keyfit

import (
	"net/http"
	"time"

	"github.com/keyfit/keyfit/internal/problem"
	"github.com/keyfit/keyfit/internal/ratehint"
)

// Problem is what an error response says, as [Provider.ReadError] reads it. The client
// redacts its texts and shortens them to one line.
type Problem struct {
	Class     ProblemClass
	Code      string // the provider's code; "" for none
	Message   string // the provider's words
	RequestID string // the provider's id of the exchange; "" means that of the usual headers
	// RetryAfter is how long the provider asks to wait; 0 means what the headers, and the
	// member that [Provider.WaitField] names, say. More than 31 days counts as 31.
	RetryAfter time.Duration
}

// ProblemClass is which refusal a response is. It decides the type of the error, and what
// the client does: it replays a refused key's call with another key, and pauses for a limit.
type ProblemClass int

// The classes.
const (
	// ClassByStatus: the status decides, and for a 403 also what the response says of a limit
	// and of the key. It is the zero value.
	ClassByStatus   ProblemClass = iota
	ClassMissingKey              // [*MissingKeyError]: the provider saw no key
	ClassInvalidKey              // [*InvalidKeyError]: it refuses the key
	ClassRateLimit               // [*RateLimitError]: too many requests
	ClassPermission              // [*PermissionError]: it knows the key, which may not do this
	ClassOther                   // a plain [*APIError], whatever the status
)

// ReadError reads the error of a response in the shapes that many APIs use, and is what a
// [Provider] without a ReadError of its own has; a table of the shapes is in docs/errors.md.
// It is meant for a ReadError that differs in a detail:
//
//	func(status int, h http.Header, body []byte) (keyfit.Problem, bool) {
//		p, ok := keyfit.ReadError(status, h, body)
//		if p.Code == "E_QUOTA" {
//			p.Class = keyfit.ClassRateLimit
//		}
//		return p, ok
//	}
//
// The class is ClassByStatus where neither a code nor the words of a 403 say it. The message
// is "" for a body of plain text, which may be anything: a letter to a customer, a stack
// trace. Of a response with a good status it reads {"ok":false,…}, {"success":false,…},
// {"errors":[…]} and {"error":…}; the result is false for any other.
func ReadError(status int, h http.Header, body []byte) (Problem, bool) {
	var found problem.Problem
	if status >= http.StatusMultipleChoices {
		found = parsed(h, body)
	} else if inBand, ok := problem.InBand(body); ok {
		found = inBand
	} else {
		return Problem{}, false
	}
	class := problemClass(problem.Classify(status, h, found, false))
	if class == ClassOther || class == ClassPermission && status == http.StatusForbidden {
		class = ClassByStatus // what the response says of a limit is still to be asked
	}
	return Problem{Class: class, Code: found.Code, Message: found.Message, RequestID: problem.RequestID(h, found)}, true
}

// parsed reads an error response, whose code may be in a header alone.
func parsed(h http.Header, body []byte) problem.Problem {
	found := problem.Parse(body)
	if found.Code == "" {
		found.Code = problem.HeaderCode(h)
	}
	return found
}

func problemClass(kind problem.Kind) ProblemClass {
	switch kind {
	case problem.MissingKey:
		return ClassMissingKey
	case problem.InvalidKey:
		return ClassInvalidKey
	case problem.RateLimited:
		return ClassRateLimit
	case problem.Permission:
		return ClassPermission
	case problem.Other:
	}
	return ClassOther
}

// kind returns the kind of a class that is not ClassByStatus.
func (class ProblemClass) kind() problem.Kind {
	switch class {
	case ClassMissingKey:
		return problem.MissingKey
	case ClassInvalidKey:
		return problem.InvalidKey
	case ClassRateLimit:
		return problem.RateLimited
	case ClassPermission:
		return problem.Permission
	case ClassByStatus, ClassOther:
	}
	return problem.Other
}

// read reads a response. h and body are redacted. ok is false for a good response that is
// no error.
func (p *Provider) read(status int, h http.Header, body []byte, now time.Time) (found problem.Problem, kind problem.Kind, hint ratehint.Hint, ok bool) {
	class := ClassByStatus
	var wait time.Duration
	if p.ReadError != nil {
		var own Problem
		if own, ok = p.ReadError(status, h, body); ok {
			found = problem.Problem{Code: own.Code, Message: own.Message, RequestID: own.RequestID}
			class, wait = own.Class, own.RetryAfter
		}
	} else if status < http.StatusMultipleChoices {
		found, ok = problem.InBand(body)
	}
	if !ok {
		if status < http.StatusMultipleChoices {
			return found, problem.Other, ratehint.None(), false
		}
		found = parsed(h, body)
	}
	hint = ratehint.Parse(h, body, p.waitNames(), now)
	if wait > 0 {
		hint.Wait, hint.Given, hint.Source = min(wait, ratehint.Max), true, "ReadError"
	}
	kind = class.kind()
	if class == ClassByStatus {
		kind = problem.Classify(status, h, found, hint.Given || hint.Remaining == 0)
	}
	if kind == problem.RateLimited {
		hint.Wait = hint.RefusedWait()
	}
	return found, kind, hint, true
}

func (p *Provider) waitNames() ratehint.Names {
	return ratehint.Names{Field: p.WaitField, Header: p.WaitHeader, Reset: p.ResetHeader, Unit: p.WaitUnit}
}

// idempotencyHeader is the header of an idempotency key.
func (p *Provider) idempotencyHeader() string {
	if p.IdempotencyHeader != "" {
		return p.IdempotencyHeader
	}
	return "Idempotency-Key"
}
