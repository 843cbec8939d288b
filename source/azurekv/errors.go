package azurekv

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/keyfit/keyfit"
)

// describe returns an error without the texts of the service and of what is in between, which may
// repeat the request. For the same reason it does not wrap the error of the Azure client.
func describe(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("no response in time: %w", ctx.Err())
	}
	if refused, ok := errors.AsType[*azcore.ResponseError](err); ok {
		return refusal(refused.StatusCode, refused.ErrorCode)
	}
	if failed, ok := errors.AsType[*url.Error](err); ok { // without the URL; the name of the secret is sufficient
		return fmt.Errorf("the service is not reachable: %w", failed.Err)
	}
	return errors.New("the request was not sent, or the response is not from Key Vault: check the credential and the URL of the vault, which must be https")
}

// refusal describes a response with an error
// (https://learn.microsoft.com/azure/key-vault/general/rest-error-codes).
func refusal(status int, code string) error {
	text := fmt.Sprintf("%d %s", status, http.StatusText(status))
	switch {
	case status == http.StatusNotFound && code == "SecretNotFound":
		return fmt.Errorf("%s: there is no such secret in this vault (%w)", text, keyfit.ErrNoKey)
	case status == http.StatusNotFound:
		return fmt.Errorf("%s: the response is not from Key Vault: check the URL of the vault", text)
	case status == http.StatusUnauthorized:
		return fmt.Errorf("%s: the Azure credential is missing, wrong or expired, or of another tenant", text)
	case status == http.StatusForbidden:
		return fmt.Errorf("%s: the version is disabled, or the credential lacks the role Key Vault Secrets User, or the vault's firewall refuses this network", text)
	case status == http.StatusTooManyRequests:
		return fmt.Errorf("%s: the vault limits requests: read less often", text)
	case status >= http.StatusInternalServerError:
		return fmt.Errorf("%s: the service is unavailable; the next read tries again", text)
	}
	return fmt.Errorf("%s: the service refused: check the name of the secret", text)
}
