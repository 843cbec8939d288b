// Package publicapis plays three public APIs from the files in examples/apis and calls them
// with their own Go clients, which are unchanged but for base URL and key: OpenAI's, Stripe's
// and Datadog's.
//
// It is a separate module, so that other modules do not depend on these clients. It contains
// only tests:
//
//	go test ./...
package publicapis
