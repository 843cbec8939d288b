package keyfit

import (
	"net/http"

	"github.com/keyfit/keyfit/internal/problem"
)

// authOutcome is what a response says about the key that the attempt carried.
type authOutcome int

const (
	authUnknown  authOutcome = iota // nothing: a limit, a failure, the response of an intermediary
	authAccepted                    // the provider accepts it
	authScope                       // the provider accepts it, but it lacks a permission
	authRefused                     // the provider refuses it
	authMissing                     // it did not arrive
)

// authOutcomeOf derives the outcome from a response's status and, for an error, its kind. A
// rate limit belongs to the account and says nothing about the key: another key must not
// look like fresh quota.
func authOutcomeOf(status int, kind problem.Kind) authOutcome {
	switch kind {
	case problem.InvalidKey:
		return authRefused
	case problem.MissingKey:
		return authMissing
	case problem.Permission:
		return authScope
	case problem.RateLimited:
		return authUnknown
	case problem.Other:
	}
	switch {
	case status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status == http.StatusProxyAuthRequired:
		return authUnknown
	}
	return authAccepted
}
