package gcpsm

import (
	"context"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/keyfit/keyfit"
)

// describe returns an error without the texts of the service and of what is in between, which may
// repeat the request. For the same reason it does not wrap the error of Google's client.
func describe(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("no response in time: %w", ctx.Err())
	}
	code := status.Code(err)
	if code == codes.NotFound {
		return fmt.Errorf("%s: %s (%w)", code, adviceFor(code), keyfit.ErrNoKey)
	}
	return fmt.Errorf("%s: %s", code, adviceFor(code))
}

// adviceFor returns advice for a code of AccessSecretVersion
// (https://cloud.google.com/secret-manager/docs/reference/rpc).
func adviceFor(code codes.Code) string {
	switch code {
	case codes.NotFound:
		return "there is no such secret in this project, or it has no such version"
	case codes.PermissionDenied:
		return "grant roles/secretmanager.secretAccessor on the secret"
	case codes.Unauthenticated:
		return "the Google credentials are missing, wrong or expired"
	case codes.FailedPrecondition:
		return "the version is disabled or destroyed: enable it, or use another one"
	case codes.InvalidArgument:
		return "the name of the secret or of its version is malformed"
	case codes.ResourceExhausted:
		return "the service limits requests, or the secret is too large: read less often"
	case codes.Unavailable, codes.Internal, codes.Aborted:
		return "the service is not reachable; the next read tries again"
	case codes.OK, codes.Canceled, codes.Unknown, codes.DeadlineExceeded, codes.AlreadyExists, codes.OutOfRange, codes.Unimplemented, codes.DataLoss:
	}
	return "the service refused; read why with gcloud secrets versions access"
}
