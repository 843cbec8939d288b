package keyfit

import (
	"context"
	"net"
	"net/http"
)

// DialThrough makes the client's own pool open its connections with dial. It is for a client
// that has sent nothing yet and was given no HTTP client.
func (c *Client) DialThrough(dial func(ctx context.Context, network, addr string) (net.Conn, error)) {
	c.pool().(*http.Transport).DialContext = dial
}
