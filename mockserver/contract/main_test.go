package contract_test

import (
	"os"
	"testing"

	"github.com/getkin/kin-openapi/openapi3filter"
)

// TestMain teaches kin-openapi that $metadata is a text to it.
func TestMain(m *testing.M) {
	openapi3filter.RegisterBodyDecoder("application/xml", openapi3filter.FileBodyDecoder)
	os.Exit(m.Run())
}
