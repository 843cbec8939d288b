package vault

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
)

// maxResponse bounds a response. It exceeds any response of a secret store.
const maxResponse = 1 << 20

// The retries bridge a restart of the server. They are few, because the caller reads again
// soon.
const (
	maxRetries   = 2
	minRetryWait = 200 * time.Millisecond
	maxRetryWait = time.Second
)

// newClient returns a client with the token of the environment, if there is one.
func newClient(cfg Config) (*api.Client, *guard, error) {
	conf := api.DefaultConfig()
	if conf.Error != nil {
		// The error may quote the value of a variable.
		return nil, nil, errors.New("the Vault client cannot read its settings: one of the VAULT_ variables is malformed")
	}
	conf.Address = orElse(cfg.Address, conf.Address)
	if err := checkAddress(conf.Address, cfg.PlainHTTP); err != nil {
		return nil, nil, err
	}
	base := conf.HttpClient.Transport
	if cfg.Transport != nil {
		base = cfg.Transport
	}
	g := &guard{base: base}
	conf.HttpClient.Transport = g
	conf.AgentAddress, conf.Timeout, conf.Logger = "", 0, nil // the context of the read bounds it
	conf.MaxRetries, conf.MinRetryWait, conf.MaxRetryWait = maxRetries, minRetryWait, maxRetryWait
	conf.CheckRetry = func(ctx context.Context, resp *http.Response, err error) (bool, error) {
		if errors.Is(err, errRedirected) {
			return false, err
		}
		return api.DefaultRetryPolicy(ctx, resp, err)
	}
	client, err := api.NewClient(conf)
	if err != nil {
		return nil, nil, errors.New("the Vault client cannot be created: check Config.Address and the VAULT_ variables")
	}
	if cfg.Namespace != "" {
		client.SetNamespace(cfg.Namespace)
	}
	return client, g, nil
}

// withToken returns a copy of the client with a token; "" means no token.
func withToken(base *api.Client, token string) (*api.Client, error) {
	client, err := base.CloneWithHeaders()
	if err != nil {
		return nil, errors.New("the Vault client cannot be copied: one of the VAULT_ variables is malformed")
	}
	client.SetToken(token)
	// VAULT_WRAP_TTL, which is meant for the command line, would wrap every response.
	client.SetWrappingLookupFunc(func(string, string) string { return "" })
	return client, nil
}

// checkAddress returns an error for an address that would expose the token. The error does not
// quote the address, which may contain a password.
func checkAddress(address string, plainHTTP bool) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "":
		return errors.New("the address of the Vault server is not a URL such as https://vault.example.com:8200")
	case u.User != nil:
		return errors.New("the address of the Vault server contains a user or a password: remove them")
	case u.Scheme == "https", u.Scheme == "http" && (plainHTTP || isLoopback(u.Hostname())):
		return nil
	case u.Scheme == "http":
		return fmt.Errorf("the Vault server %s is configured with plain http, which would expose the token and the key: use https, or set Config.PlainHTTP", u.Host)
	}
	return fmt.Errorf("the scheme of the Vault address is %q: use https", u.Scheme)
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

var errRedirected = errors.New("the server redirects to another address, to which the token was not sent: use the address of the active server")

// guard refuses large responses and redirects, because the client of Vault would send the
// token to any host.
type guard struct{ base http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := g.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= http.StatusMultipleChoices && resp.StatusCode < http.StatusBadRequest {
		_ = resp.Body.Close()
		return nil, errRedirected
	}
	resp.Body = http.MaxBytesReader(nil, resp.Body, maxResponse)
	return resp, nil
}

// CloseIdleConnections is called by [http.Client.CloseIdleConnections].
func (g *guard) CloseIdleConnections() {
	if c, ok := g.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
