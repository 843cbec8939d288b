module github.com/keyfit/keyfit/examples/oapi

go 1.26.0

replace github.com/keyfit/keyfit => ../..

require (
	github.com/google/go-cmp v0.7.0
	github.com/keyfit/keyfit v0.0.0
	github.com/oapi-codegen/runtime v1.9.0
)

require (
	github.com/apapsch/go-jsonmerge/v2 v2.0.0 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/hashicorp/go-cleanhttp v0.5.2 // indirect
	github.com/hashicorp/go-retryablehttp v0.7.8 // indirect
	github.com/joho/godotenv v1.5.1 // indirect
)
