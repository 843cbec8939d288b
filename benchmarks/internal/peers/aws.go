package peers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// AWS is the standard retryer of aws-sdk-go-v2 in a middleware stack of smithy-go, configured
// like a generated client, with 429 among the retryable statuses. If a workload asks for more
// retries than the default, its retry quota is off, because the storm measures how a library
// waits, not when it gives up.
func AWS() Peer {
	return Peer{
		Name: "aws-sdk-go-v2", Module: "github.com/aws/aws-sdk-go-v2",
		Retries: true, Retries401: true, New: newAWS,
	}
}

type awsClient struct {
	cfg     Config
	retryer awssdk.RetryerV2
	client  smithyhttp.ClientDo
}

func newAWS(cfg Config) (Client, error) {
	codes := map[int]struct{}{http.StatusTooManyRequests: {}}
	if cfg.Retry401 {
		codes[http.StatusUnauthorized] = struct{}{}
	}
	c := &awsClient{cfg: cfg, client: awshttp.NewBuildableClient()}
	c.retryer = retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = cfg.Retries + 1
		o.Retryables = append(o.Retryables, retry.RetryableHTTPStatusCode{Codes: codes})
		if cfg.Retries > DefaultRetries {
			o.RateLimiter = ratelimit.None
		}
		if cfg.Retry401 {
			o.MaxBackoff = 4 * retry401Wait
			o.RateLimiter = ratelimit.None
		}
	})
	if cfg.Transport != nil {
		c.client = cfg.httpClient()
	}
	return c, nil
}

type awsInput struct {
	method, path string
	body         []byte
}

func (c *awsClient) Call(ctx context.Context, method, path string, body []byte) Answer {
	stack := middleware.NewStack("Call", smithyhttp.NewStackRequest)
	attempts := retry.NewAttemptMiddleware(c.retryer, smithyhttp.RequestCloner)
	err := errors.Join(
		stack.Serialize.Add(middleware.SerializeMiddlewareFunc("OperationSerializer", c.serialize), middleware.After),
		stack.Finalize.Add(attempts, middleware.After),
		stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("Key", c.sign), middleware.After),
		stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("OperationDeserializer", deserialize), middleware.After),
		stack.Deserialize.Insert(&awshttp.ResponseErrorWrapper{}, "OperationDeserializer", middleware.Before),
	)
	if err != nil {
		return Answer{Err: err}
	}
	handler := middleware.DecorateHandler(smithyhttp.NewClientHandlerWithOptions(c.client), stack)
	_, _, err = handler.Handle(ctx, awsInput{method, path, body})
	if err == nil {
		return Answer{Status: http.StatusOK}
	}
	a := Answer{Err: err}
	if refused, ok := errors.AsType[*awshttp.ResponseError](err); ok && refused.Response != nil {
		a.Status, a.RetryAfter = refused.HTTPStatusCode(), retryAfter(refused.Response.Header)
	}
	return a
}

func (c *awsClient) serialize(ctx context.Context, in middleware.SerializeInput, next middleware.SerializeHandler) (
	out middleware.SerializeOutput, meta middleware.Metadata, err error,
) {
	req, ok := in.Request.(*smithyhttp.Request)
	input, ok2 := in.Parameters.(awsInput)
	if !ok || !ok2 {
		return out, meta, errors.New("not a request of this stack")
	}
	base, err := c.cfg.base()
	if err != nil {
		return out, meta, err
	}
	base.Path = input.path
	req.Method, req.URL = input.method, base
	if input.body != nil {
		if req, err = req.SetStream(bytes.NewReader(input.body)); err != nil {
			return out, meta, err
		}
		in.Request = req
	}
	return next.HandleSerialize(ctx, in)
}

// sign takes the place of the signature of a generated client: after the retries, once per
// attempt.
func (c *awsClient) sign(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	out middleware.FinalizeOutput, meta middleware.Metadata, err error,
) {
	req, ok := in.Request.(*smithyhttp.Request)
	if !ok {
		return out, meta, errors.New("not a request of this stack")
	}
	c.cfg.attach(req.Request)
	return next.HandleFinalize(ctx, in)
}

// deserialize reads a response like generated clients: error bodies are read completely.
func deserialize(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	out middleware.DeserializeOutput, meta middleware.Metadata, err error,
) {
	out, meta, err = next.HandleDeserialize(ctx, in)
	if err != nil {
		return out, meta, err
	}
	resp, ok := out.RawResponse.(*smithyhttp.Response)
	if !ok {
		return out, meta, errors.New("not a response of this stack")
	}
	var body bytes.Buffer
	_, err = io.Copy(&body, resp.Body)
	if closeErr := resp.Body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return out, meta, &smithy.DeserializationError{Err: err}
	}
	if resp.StatusCode < 200 || resp.StatusCode >= 300 {
		return out, meta, &smithy.GenericAPIError{Code: "UnknownError", Message: body.String()}
	}
	return out, meta, nil
}

func (c *awsClient) Dump() string { return fmt.Sprintf("%+v %+v", c.retryer, c.client) }
