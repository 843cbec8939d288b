// Package contract holds the mock to its OpenAPI documents: both list the same
// operations, and every answer to good and bad requests is one that the
// document describes. It also tries iiniit's authorization server with
// golang.org/x/oauth2, a client that knows nothing of this mock.
//
// It is a module of its own so that what it needs stays out of the others.
// There are only tests:
//
//	go test ./...
package contract
