package mockserver

import "embed"

// openapiFiles holds a document for each provider, openapi/<provider>.json.
//
//go:embed openapi
var openapiFiles embed.FS

// OpenAPI returns the OpenAPI 3.1 document of p's mock, or nil for an unknown p.
// Operations that the vendor documents are marked "x-documented": true.
func OpenAPI(p Provider) []byte {
	data, err := openapiFiles.ReadFile("openapi/" + string(p) + ".json")
	if err != nil {
		return nil
	}
	return data
}
