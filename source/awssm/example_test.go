package awssm_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/source/awssm"
	"github.com/keyfit/keyfit/source/awssm/awssmtest"
)

// The key of a client is in AWS Secrets Manager and is rotated. A fake replaces the service; a
// real program gets cfg from config.LoadDefaultConfig and sets no endpoint.
func Example() {
	ctx := context.Background()
	fake := awssmtest.New("AKIAEXAMPLE")
	server := httptest.NewServer(fake)
	defer server.Close()
	fake.Put("prod/imkit", `{"key": "the-first-key"}`)

	cfg := aws.Config{
		Region: "eu-west-1", BaseEndpoint: aws.String(server.URL),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "example"}, nil
		}),
	}
	src, err := awssm.New(secretsmanager.NewFromConfig(cfg), awssm.Config{Secret: "prod/imkit", Field: "key"})
	if err != nil {
		panic(err)
	}
	ring, err := keyfit.NewKeyring(ctx, src)
	if err != nil {
		panic(err)
	}
	// A program rather gives src to keyfit.New with keyfit.WithSource, because the keyring of
	// a client verifies new keys, and follows the secret with go c.Keys().Watch(ctx,
	// time.Minute).

	second := fake.Put("prod/imkit", `{"key": "the-second-key"}`)
	changed, err := ring.Reload(ctx)
	fmt.Println(changed, err)

	offer, err := src.Versions(ctx)
	fmt.Println("the second is current:", offer.Current.Version == second, "a previous one:", !offer.Previous.Key.IsZero(), err)
	// Output:
	// true <nil>
	// the second is current: true a previous one: true <nil>
}
