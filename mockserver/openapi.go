package mockserver

import "embed"

// openapiFiles holds a document for each provider, openapi/<provider>.json.
//
//go:embed openapi
var openapiFiles embed.FS

// OpenAPI returns the OpenAPI 3.1 document of what the mock plays of p, or nil
// when there is none. Operations that the vendor documents are marked
// "x-documented": true.
func OpenAPI(p Provider) []byte {
	data, err := openapiFiles.ReadFile("openapi/" + string(p) + ".json")
	if err != nil {
		return nil
	}
	return data
}
