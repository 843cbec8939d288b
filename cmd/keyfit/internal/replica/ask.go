package replica

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/admin"
)

const (
	maxStatus     = 1 << 20         // bytes; far above any status
	statusTimeout = 5 * time.Second // for one answer of a replica
)

// ask asks a replica for its status. at is the address to connect to in place of the URL's host;
// if it is not valid, the host is connected to.
func ask(ctx context.Context, address string, at netip.AddrPort) ([]*Status, error) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, errors.New("the URL cannot be parsed") // the error would repeat it
	}
	req.Header.Set("Accept", "application/json")
	req.Close = true // a balancer behind the address shows another replica with another connection only
	// The address may have a token in it: it is for the replica that was named.
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if at.IsValid() {
		pinned := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, at.String())
		}}
		client.Transport = pinned
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("no answer: %w", admin.RootCause(err))
	}
	defer func() { _ = res.Body.Close() }() // read or given up
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answers %d %s", res.StatusCode, http.StatusText(res.StatusCode))
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, maxStatus))
	if err != nil {
		return nil, fmt.Errorf("no complete answer: %w", admin.RootCause(err))
	}
	return decode(data)
}

// WithoutSecrets is an address without user and query, where tokens are.
func WithoutSecrets(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "a service"
	}
	return u.Scheme + "://" + u.Host + u.EscapedPath()
}
