package keyfit

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
)

// DialThrough makes the client's own pool open its connections with dial. It is for a client
// that has sent nothing yet and was given no HTTP client.
func (c *Client) DialThrough(dial func(ctx context.Context, network, addr string) (net.Conn, error)) {
	c.pool().(*http.Transport).DialContext = dial
}

// SecureBy sets how the client's own pool makes its connections secure, on the same terms.
func (c *Client) SecureBy(config *tls.Config) {
	c.pool().(*http.Transport).TLSClientConfig = config
}

// ProxyAnswered is how the client's own pool reads the response of a proxy, whose address net/http
// takes from the environment once in a process.
var ProxyAnswered = proxyAnswered
