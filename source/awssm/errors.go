package awssm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	smithy "github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/keyfit/keyfit"
)

// describe returns an error without the texts of the service, which echo the request and its
// session token if a signature does not match. For the same reason it does not wrap the error
// of the AWS client.
func describe(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("no response in time: %w", ctx.Err())
	}
	if errors.Is(err, errPlainHTTP) {
		return errPlainHTTP
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fmt.Errorf("the response is larger than the limit of %d bytes", tooLarge.Limit)
	}
	if refused, ok := errors.AsType[smithy.APIError](err); ok {
		return refusal(err, refused.ErrorCode())
	}
	if failed, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
		inner := failed.Err
		if wrapped, ok := errors.AsType[*url.Error](inner); ok {
			inner = wrapped.Err // omit the URL; the name of the secret is sufficient
		}
		return fmt.Errorf("the service is not reachable: %w", inner)
	}
	if resp, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		return fmt.Errorf("%d, and the response is not from Secrets Manager: check the endpoint and the region", resp.HTTPStatusCode())
	}
	return errors.New("the request could not be created: check the credentials and the region of the AWS client")
}

func refusal(err error, code string) error {
	advice := adviceFor(code)
	if code == "ResourceNotFoundException" {
		return fmt.Errorf("%s: %s (%w)", code, advice, keyfit.ErrNoKey)
	}
	if advice == "" {
		// An unknown code is a text of the service.
		status := 0
		if resp, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
			status = resp.HTTPStatusCode()
		}
		return fmt.Errorf("%d, %s: the service refused with an unknown code", status, http.StatusText(status))
	}
	return errors.New(code + ": " + advice)
}

// adviceFor returns advice for an error code of GetSecretValue or of any AWS service
// (https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html).
func adviceFor(code string) string {
	switch code {
	case "ResourceNotFoundException":
		return "there is no such secret in this account and region, or it has no AWSCURRENT version"
	case "InvalidRequestException":
		return "the secret is marked for deletion, or a service manages it: restore it, or use another one"
	case "InvalidParameterException", "ValidationException":
		return "the name or the ARN of the secret is malformed"
	case "AccessDeniedException":
		return "allow secretsmanager:GetSecretValue on the secret, and kms:Decrypt if it has its own key"
	case "DecryptionFailure":
		return "allow kms:Decrypt on the key of the secret, and check that the key is enabled"
	case "ThrottlingException", "Throttling", "RequestLimitExceeded", "TooManyRequestsException":
		return "the service limits requests: read less often"
	case "ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException", "InvalidClientTokenId",
		"InvalidSignatureException", "IncompleteSignature", "MissingAuthenticationTokenException",
		"MissingAuthenticationToken", "RequestExpired", "NotAuthorized", "OptInRequired":
		return "the AWS credentials are missing, wrong or expired, or the clock is wrong"
	case "InternalServiceError", "InternalServiceErrorException", "InternalFailure", "ServiceUnavailable":
		return "the service is unavailable; the next read tries again"
	}
	return ""
}
