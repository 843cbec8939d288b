// Package contract tests the mock against its OpenAPI documents: both list the
// same operations, and the documents describe every response to valid and
// invalid requests. It also tests iiniit's authorization server with
// golang.org/x/oauth2, an independent client.
//
// It is a separate module, so that other modules do not depend on the libraries
// that it needs. It contains only tests:
//
//	go test ./...
package contract
