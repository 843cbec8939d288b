package peers

import (
	"context"
	"fmt"
	"net/http"
)

// NetHTTP is the standard library's client in its common use: create a request, set a header,
// call Do, read the body. It does not retry.
func NetHTTP() Peer {
	return Peer{Name: "net/http", New: func(cfg Config) (Client, error) {
		return &netHTTP{cfg: cfg, hc: cfg.httpClient()}, nil
	}}
}

type netHTTP struct {
	cfg Config
	hc  *http.Client
}

func (c *netHTTP) Call(ctx context.Context, method, path string, body []byte) Answer {
	req, err := newRequest(ctx, &c.cfg, method, path, body)
	if err != nil {
		return Answer{Err: err}
	}
	return readResponse(c.hc.Do(req))
}

func (c *netHTTP) Dump() string { return fmt.Sprintf("%+v", c.hc) }
