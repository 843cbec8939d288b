package admin

import (
	"context"
	"net"
	"net/http"
)

// OnlyLocal is what a dialer calls before it connects.
var OnlyLocal = onlyLocal

func transportOf(c *Client) *http.Transport { return c.http.Transport.(*http.Transport) }

// HasProxy reports whether requests may go through a proxy.
func HasProxy(c *Client) bool { return transportOf(c).Proxy != nil }

// Resolve makes every name resolve to one address.
func Resolve(c *Client, address string) {
	dial := transportOf(c).DialContext
	transportOf(c).DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dial(ctx, network, address)
	}
}

// Record makes a client dial nothing, and returns what it would dial.
func Record(c *Client) *[]string {
	var dialled []string
	transportOf(c).DialContext = func(_ context.Context, _, address string) (net.Conn, error) {
		dialled = append(dialled, address)
		return nil, net.ErrClosed
	}
	return &dialled
}
