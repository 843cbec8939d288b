package peers

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/hashicorp/go-retryablehttp"
)

// RetryableHTTP is hashicorp/go-retryablehttp with its default policy and pool. The key is a
// header of the request; PrepareRetry updates it, as its documentation recommends for
// signatures.
func RetryableHTTP() Peer {
	return Peer{
		Name: "go-retryablehttp", Module: "github.com/hashicorp/go-retryablehttp",
		Retries: true, Retries401: true, New: newRetryableHTTP,
	}
}

type retryableHTTP struct {
	cfg Config
	rc  *retryablehttp.Client
}

func newRetryableHTTP(cfg Config) (Client, error) {
	c := &retryableHTTP{cfg: cfg, rc: retryablehttp.NewClient()}
	c.rc.Logger = nil // by default it logs to standard error
	if cfg.Log != nil {
		c.rc.Logger = log.New(cfg.Log, "", log.LstdFlags)
	}
	if cfg.Transport != nil {
		c.rc.HTTPClient = cfg.httpClient()
	}
	c.rc.RetryMax = cfg.Retries
	if cfg.Rotates {
		c.rc.PrepareRetry = func(req *http.Request) error {
			c.cfg.attach(req)
			return nil
		}
	}
	if cfg.Retry401 {
		c.rc.RetryWaitMin = retry401Wait
		c.rc.CheckRetry = func(ctx context.Context, resp *http.Response, err error) (bool, error) {
			if resp != nil && resp.StatusCode == http.StatusUnauthorized && ctx.Err() == nil {
				return true, nil
			}
			return retryablehttp.DefaultRetryPolicy(ctx, resp, err)
		}
	}
	return c, nil
}

func (c *retryableHTTP) Call(ctx context.Context, method, path string, body []byte) Answer {
	plain, err := newRequest(ctx, &c.cfg, method, path, body)
	if err != nil {
		return Answer{Err: err}
	}
	req, err := retryablehttp.FromRequest(plain)
	if err != nil {
		return Answer{Err: err}
	}
	return readResponse(c.rc.Do(req))
}

func (c *retryableHTTP) Dump() string { return fmt.Sprintf("%+v", c.rc) }
