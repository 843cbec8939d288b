package peers

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

// OpenAI is the HTTP layer of openai-go, which other generated SDKs share, used through its
// method Execute for undocumented endpoints.
func OpenAI() Peer {
	return Peer{
		Name: "openai-go v3", Module: "github.com/openai/openai-go/v3",
		Retries: true, New: newOpenAI,
	}
}

type openAIClient struct{ oc openai.Client }

func newOpenAI(cfg Config) (Client, error) {
	opts := []option.RequestOption{option.WithBaseURL(cfg.BaseURL + "/"), option.WithMaxRetries(cfg.Retries)}
	if cfg.Transport != nil {
		opts = append(opts, option.WithHTTPClient(cfg.httpClient()))
	}
	switch {
	case cfg.Rotates:
		opts = append(opts, option.WithAPIKey("unused"), option.WithHeaderDel("Authorization"),
			option.WithMiddleware(func(req *http.Request, next option.MiddlewareNext) (*http.Response, error) {
				cfg.attach(req)
				return next(req)
			}))
	case cfg.Place == InHeader:
		opts = append(opts, option.WithAPIKey("unused"), option.WithHeaderDel("Authorization"), option.WithHeader(KeyHeader, cfg.Key()))
	case cfg.Place == InAuthorization:
		opts = append(opts, option.WithAPIKey(cfg.Key()))
	case cfg.Place == InQuery:
		opts = append(opts, option.WithAPIKey("unused"), option.WithHeaderDel("Authorization"), option.WithQuery(KeyParam, cfg.Key()))
	}
	if cfg.Log != nil {
		opts = append(opts, option.WithDebugLog(log.New(cfg.Log, "", log.LstdFlags)))
	}
	return &openAIClient{oc: openai.NewClient(opts...)}, nil
}

func (c *openAIClient) Call(ctx context.Context, method, path string, body []byte) Answer {
	var params any
	if body != nil {
		params = body
	}
	var got []byte
	var resp *http.Response
	err := c.oc.Execute(ctx, method, path, params, &got, option.WithResponseInto(&resp))
	a := Answer{Err: err}
	if resp != nil {
		a.Status, a.RetryAfter = resp.StatusCode, retryAfter(resp.Header)
	}
	if refused, ok := errors.AsType[*openai.Error](err); ok {
		a.Status = refused.StatusCode
	}
	return a
}

func (c *openAIClient) Dump() string { return fmt.Sprintf("%+v", c.oc) }
