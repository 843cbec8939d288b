package peers

import (
	"context"
	"fmt"
	"net/http"

	"resty.dev/v3"
)

// Resty is resty v3 with the key set on the client, as its documentation shows. By default it
// does not retry; here it is configured to retry idempotent methods on its predefined
// conditions for 429, 5xx and a missing response.
func Resty() Peer {
	return Peer{
		Name: "resty v3", Module: "resty.dev/v3",
		Retries: true, Retries401: true, New: newResty,
	}
}

type restyClient struct {
	cfg Config
	rc  *resty.Client
}

func newResty(cfg Config) (Client, error) {
	c := &restyClient{cfg: cfg, rc: resty.New()}
	c.rc.SetBaseURL(cfg.BaseURL).SetRetryCount(cfg.Retries)
	c.rc.AddRetryConditions(resty.RetryConditionStatusTooManyRequests, resty.RetryConditionStatus5XX, resty.RetryConditionStatusZero)
	if cfg.Transport != nil {
		c.rc.SetTransport(cfg.Transport)
	}
	c.rc.SetLogger(restyLog{cfg.Log})
	if cfg.Log != nil {
		c.rc.SetDebug(true)
	}
	switch {
	case cfg.Rotates:
		c.rc.AddRequestMiddleware(func(_ *resty.Client, r *resty.Request) error {
			r.SetHeader(KeyHeader, c.cfg.Key())
			return nil
		})
	case cfg.Place == InHeader:
		c.rc.SetHeader(KeyHeader, cfg.Key())
	case cfg.Place == InAuthorization:
		c.rc.SetAuthToken(cfg.Key())
	case cfg.Place == InQuery:
		c.rc.SetQueryParam(KeyParam, cfg.Key())
	}
	if cfg.Retry401 {
		c.rc.SetRetryWaitTime(retry401Wait)
		c.rc.AddRetryConditions(func(r *resty.Response, _ error) bool {
			return r != nil && r.StatusCode() == http.StatusUnauthorized
		})
	}
	return c, nil
}

func (c *restyClient) Call(ctx context.Context, method, path string, body []byte) Answer {
	req := c.rc.R().SetContext(ctx)
	if body != nil {
		req.SetBody(body)
	}
	resp, err := req.Execute(method, path)
	if resp == nil || resp.RawResponse == nil {
		return Answer{Err: err}
	}
	_ = resp.Bytes() // reads the body if it is read on demand
	return Answer{Status: resp.StatusCode(), RetryAfter: retryAfter(resp.Header()), Err: err}
}

func (c *restyClient) Dump() string { return fmt.Sprintf("%+v", c.rc) }

// restyLog is a resty.Logger. It discards everything if w is nil.
type restyLog struct {
	w interface{ Write([]byte) (int, error) }
}

func (l restyLog) printf(format string, v ...any) {
	if l.w != nil {
		_, _ = fmt.Fprintf(l.w, format+"\n", v...)
	}
}

func (l restyLog) Errorf(format string, v ...any) { l.printf(format, v...) }
func (l restyLog) Warnf(format string, v ...any)  { l.printf(format, v...) }
func (l restyLog) Debugf(format string, v ...any) { l.printf(format, v...) }
