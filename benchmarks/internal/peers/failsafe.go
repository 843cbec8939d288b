package peers

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/failsafe-go/failsafe-go/failsafehttp"
)

// Failsafe is failsafe-go's RoundTripper with its predefined HTTP retry policy, under an
// http.Client. The policy has no default backoff; the one configured here starts at one second.
func Failsafe() Peer {
	return Peer{
		Name: "failsafe-go", Module: "github.com/failsafe-go/failsafe-go",
		Retries: true, Retries401: true, New: newFailsafe,
	}
}

type failsafeClient struct {
	cfg Config
	hc  *http.Client
}

//nolint:bodyclose // builds a policy for future responses
func newFailsafe(cfg Config) (Client, error) {
	c := &failsafeClient{cfg: cfg}
	policy := failsafehttp.NewRetryPolicyBuilder().
		WithMaxRetries(cfg.Retries).
		WithBackoff(time.Second, 30*time.Second).
		ReturnLastFailure()
	if cfg.Retry401 {
		policy = policy.WithBackoff(retry401Wait, 30*time.Second).
			HandleIf(func(resp *http.Response, _ error) bool {
				return resp != nil && resp.StatusCode == http.StatusUnauthorized
			})
	}
	inner := cfg.Transport
	if cfg.Rotates {
		inner = freshKey{cfg: &c.cfg, next: inner}
	}
	c.hc = &http.Client{Transport: failsafehttp.NewRoundTripper(inner, policy.Build())}
	return c, nil
}

func (c *failsafeClient) Call(ctx context.Context, method, path string, body []byte) Answer {
	req, err := newRequest(ctx, &c.cfg, method, path, body)
	if err != nil {
		return Answer{Err: err}
	}
	return readResponse(c.hc.Do(req))
}

func (c *failsafeClient) Dump() string { return fmt.Sprintf("%+v", c.hc) }
