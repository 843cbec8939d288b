package peers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// Azcore is the pipeline of Azure's SDK with its key policy, used like in its generated
// clients: runtime.NewResponseError for every unexpected status.
func Azcore() Peer {
	return Peer{
		Name: "azcore", Module: "github.com/Azure/azure-sdk-for-go/sdk/azcore",
		Retries: true, Retries401: true, New: newAzcore,
	}
}

type azcoreClient struct {
	cfg      Config
	cred     *azcore.KeyCredential
	pipeline runtime.Pipeline
}

func newAzcore(cfg Config) (Client, error) {
	c := &azcoreClient{cfg: cfg, cred: azcore.NewKeyCredential(cfg.Key())}
	header, prefix := KeyHeader, ""
	if cfg.Place == InAuthorization {
		header, prefix = "Authorization", "Bearer "
	}
	var perRetry []policy.Policy
	if cfg.Place != InQuery {
		perRetry = append(perRetry, runtime.NewKeyCredentialPolicy(c.cred, header, &runtime.KeyCredentialPolicyOptions{
			InsecureAllowCredentialWithHTTP: !cfg.HTTPSOnly, Prefix: prefix,
		}))
	}
	opts := &policy.ClientOptions{Retry: policy.RetryOptions{MaxRetries: int32(cfg.Retries)}} //nolint:gosec // a small number
	if cfg.Retries == 0 {
		opts.Retry.MaxRetries = -1
	}
	if cfg.Transport != nil {
		opts.Transport = cfg.httpClient()
	}
	if cfg.Retry401 {
		opts.Retry.RetryDelay = retry401Wait
		opts.Retry.StatusCodes = []int{
			http.StatusUnauthorized, http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
			http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
		}
	}
	c.pipeline = runtime.NewPipeline("benchmarks", "v0.0.0", runtime.PipelineOptions{PerRetry: perRetry}, opts)
	return c, nil
}

func (c *azcoreClient) Call(ctx context.Context, method, path string, body []byte) Answer {
	target := c.cfg.BaseURL + path
	if c.cfg.Place == InQuery {
		target += "?" + url.Values{KeyParam: {c.cfg.Key()}}.Encode()
	}
	req, err := runtime.NewRequest(ctx, method, target)
	if err != nil {
		return Answer{Err: err}
	}
	if body != nil {
		if err = req.SetBody(nopCloser{bytes.NewReader(body)}, "application/json"); err != nil {
			return Answer{Err: err}
		}
	}
	resp, err := c.pipeline.Do(req)
	if err == nil && !runtime.HasStatusCode(resp, http.StatusOK) {
		err = runtime.NewResponseError(resp)
	}
	a := Answer{Err: err}
	if resp != nil {
		a = readResponse(resp, err)
	}
	if refused, ok := errors.AsType[*azcore.ResponseError](err); ok {
		a.Status = refused.StatusCode
	}
	return a
}

// Rotate changes the key by the library's own means.
func (c *azcoreClient) Rotate(_ context.Context, key string) error {
	c.cred.Update(key)
	return nil
}

func (c *azcoreClient) Dump() string { return fmt.Sprintf("%+v %+v", c.pipeline, c.cred) }

// nopCloser is the io.ReadSeekCloser that the library requires for a body.
type nopCloser struct{ io.ReadSeeker }

func (nopCloser) Close() error { return nil }
