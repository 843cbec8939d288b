package keyfit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/keyfit/keyfit"
)

// What a call hands over beside the key is told by no text about the call: neither the command
// line of curl, nor an error that a fake's response leads to.
func TestASecretOfACallIsInNoTextAboutIt(t *testing.T) {
	t.Parallel()
	const token = "lorem-fitsum-user-token"
	answer := func(status int, body string) fakeAPI {
		return func(*http.Request) (*http.Response, error) {
			h := http.Header{"Content-Type": {"application/json"}, "X-Echo": {token}}
			return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}, nil
		}
	}
	client, err := keyfit.New(keyfit.IMKIT("app"), keyfit.WithKey("LoremFitsumKey1"), keyfit.WithoutDotEnv(), keyfit.WithHTTPClient(&http.Client{Transport: dropAll{}}), keyfit.WithMaxAttempts(1))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]keyfit.Caller{
		"client":                  client,
		"fake, refused":           answer(http.StatusBadRequest, `{"error":{"code":"`+token+`","message":"bad `+token+`"}}`),
		"fake, decoded":           answer(http.StatusOK, `{"`+token+`":"`+token+`"}`),
		"fake, another structure": answer(http.StatusOK, `["`+token+`"]`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var curl string
			var told keyfit.Response
			_, err := keyfit.Send[map[string]int](t.Context(), c, http.MethodPost, "/tokens/"+token, map[string]string{"token": token},
				keyfit.WithSecret(token), keyfit.WithCurl(&curl), keyfit.WithResponse(&told))
			if err == nil {
				t.Fatal("no error")
			}
			texts := []string{err.Error(), curl, fmt.Sprintf("%+v", told)}
			if base, ok := errors.AsType[*keyfit.APIError](err); ok {
				texts = append(texts, fmt.Sprintf("%+v", *base), string(base.Body()))
			}
			for _, text := range texts {
				if strings.Contains(text, token) {
					t.Errorf("the secret is told in %q", text)
				}
			}
			if name == "client" && !strings.Contains(curl, "/tokens/") {
				t.Errorf("the command line is %q", curl)
			}
		})
	}
}

// dropAll fails every request.
type dropAll struct{}

func (dropAll) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("connection lost: %w", context.Canceled)
}
