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

// worded says what happened without the words of the service: where a signature does not
// match they repeat the request, session token included. For the same reason the error of
// the AWS client is not wrapped.
func worded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("no answer in time: %w", ctx.Err())
	}
	if errors.Is(err, errPlainHTTP) {
		return errPlainHTTP
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fmt.Errorf("the answer is larger than %d bytes, so it is not what was meant", tooLarge.Limit)
	}
	if refused, ok := errors.AsType[smithy.APIError](err); ok {
		return refusal(err, refused.ErrorCode())
	}
	if failed, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
		inner := failed.Err
		if wrapped, ok := errors.AsType[*url.Error](inner); ok {
			inner = wrapped.Err // the URL is long, and the secret's name says where
		}
		return fmt.Errorf("the service cannot be asked: %w", inner)
	}
	if resp, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		return fmt.Errorf("%d, and the answer is not one of Secrets Manager: look at the endpoint and the region", resp.HTTPStatusCode())
	}
	return errors.New("the request could not be made: look at credentials and region of the AWS client")
}

func refusal(err error, code string) error {
	advice := adviceFor(code)
	if code == "ResourceNotFoundException" {
		return fmt.Errorf("%s: %s (%w)", code, advice, keyfit.ErrNoKey)
	}
	if advice == "" {
		// A code that is not known here is the service's own text.
		status := 0
		if resp, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
			status = resp.HTTPStatusCode()
		}
		return fmt.Errorf("%d, %s: the service refused with a code that is not known here", status, http.StatusText(status))
	}
	return errors.New(code + ": " + advice)
}

// adviceFor is what to do about an error of GetSecretValue, or of any AWS service
// (https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html).
func adviceFor(code string) string {
	switch code {
	case "ResourceNotFoundException":
		return "there is no such secret in this account and region, or it has no AWSCURRENT version"
	case "InvalidRequestException":
		return "the secret is marked for deletion, or a service manages it: restore it, or name another one"
	case "InvalidParameterException", "ValidationException":
		return "the name or the ARN of the secret is malformed"
	case "AccessDeniedException":
		return "allow secretsmanager:GetSecretValue on the secret, and kms:Decrypt if it has a key of its own"
	case "DecryptionFailure":
		return "allow kms:Decrypt on the key of the secret, and look whether that key is enabled"
	case "ThrottlingException", "Throttling", "RequestLimitExceeded", "TooManyRequestsException":
		return "the service limits requests: ask less often"
	case "ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException", "InvalidClientTokenId",
		"InvalidSignatureException", "IncompleteSignature", "MissingAuthenticationTokenException",
		"MissingAuthenticationToken", "RequestExpired", "NotAuthorized", "OptInRequired":
		return "the AWS credentials are missing, wrong or expired, or the clock is wrong"
	case "InternalServiceError", "InternalServiceErrorException", "InternalFailure", "ServiceUnavailable":
		return "the service could not answer; it is asked again next time"
	}
	return ""
}
