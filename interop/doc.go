// Package interop tests keyfit together with libraries of other authors that see its
// requests or print its values: OpenTelemetry's instrumentation of net/http, a recorder of
// test fixtures (go-vcr), and printers that walk over fields by reflection (spew, pp, litter,
// kr/pretty, testify). The key must be in nothing that they write.
//
// Its examples show where such a library belongs: above the key, around the Transport of
// [github.com/keyfit/keyfit.Client.HTTPClient].
//
// It is a separate module, so that other modules do not depend on these libraries. It
// contains only tests:
//
//	go test ./...
package interop
