package keyfit

import (
	"net/http"

	"github.com/keyfit/keyfit/internal/problem"
)

// authOutcome is what an answer says about the key that the attempt carried.
type authOutcome int

const (
	authUnknown  authOutcome = iota // nothing: a limit, a failure, an answer from something in between
	authAccepted                    // the provider knows it
	authScope                       // the provider knows it, and it lacks a permission
	authRefused                     // the provider does not accept it
	authMissing                     // it did not arrive
)

// authOutcomeOf judges an answer by its status and, if it is an error, by what kind of refusal
// it is. A limit is the account's and says nothing about the key; a new key must not look
// like fresh quota.
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
