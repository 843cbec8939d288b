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

// Answers of a secret store are small; this is far above any and keeps a wrong address from
// filling memory.
const maxAnswer = 1 << 20

// Two retries of what a restart of the server breaks, close together: the caller's next
// question comes soon enough.
const (
	maxRetries   = 2
	minRetryWait = 200 * time.Millisecond
	maxRetryWait = time.Second
)

// newClient returns a client that has the token of the environment, if there is one.
func newClient(cfg Config) (*api.Client, *guard, error) {
	conf := api.DefaultConfig()
	if conf.Error != nil {
		// The text may quote a variable's value.
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
	conf.AgentAddress, conf.Timeout, conf.Logger = "", 0, nil // the context of the question bounds it
	conf.MaxRetries, conf.MinRetryWait, conf.MaxRetryWait = maxRetries, minRetryWait, maxRetryWait
	conf.CheckRetry = func(ctx context.Context, resp *http.Response, err error) (bool, error) {
		if errors.Is(err, errRedirected) {
			return false, err
		}
		return api.DefaultRetryPolicy(ctx, resp, err)
	}
	client, err := api.NewClient(conf)
	if err != nil {
		return nil, nil, errors.New("the Vault client cannot be made: look at Config.Address and the VAULT_ variables")
	}
	if cfg.Namespace != "" {
		client.SetNamespace(cfg.Namespace)
	}
	return client, g, nil
}

// withToken returns a client of its own for a token; "" for none.
func withToken(base *api.Client, token string) (*api.Client, error) {
	client, err := base.CloneWithHeaders()
	if err != nil {
		return nil, errors.New("the Vault client cannot be copied: one of the VAULT_ variables has become malformed")
	}
	client.SetToken(token)
	// VAULT_WRAP_TTL, meant for the command line, would put every answer into a wrapper.
	client.SetWrappingLookupFunc(func(string, string) string { return "" })
	return client, nil
}

// checkAddress refuses what would show the token on the way, without quoting the address:
// it may hold a password.
func checkAddress(address string, plainHTTP bool) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "":
		return errors.New("the address of the Vault server is not a URL such as https://vault.example.com:8200")
	case u.User != nil:
		return errors.New("the address of the Vault server holds a user or a password: take them out")
	case u.Scheme == "https", u.Scheme == "http" && (plainHTTP || isLoopback(u.Hostname())):
		return nil
	case u.Scheme == "http":
		return fmt.Errorf("the Vault server %s would be asked over plain http, which shows token and key on the way: use https, or set Config.PlainHTTP", u.Host)
	}
	return fmt.Errorf("the Vault server cannot be asked over %q: use https", u.Scheme)
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

var errRedirected = errors.New("the server redirects elsewhere, and the token was not sent there: give the address of the active server")

// guard lets nothing large in and nothing follow a redirect: the client of Vault would take
// the token along to any host.
type guard struct{ base http.RoundTripper }

// RoundTrip is that of [http.RoundTripper].
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := g.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= http.StatusMultipleChoices && resp.StatusCode < http.StatusBadRequest {
		_ = resp.Body.Close()
		return nil, errRedirected
	}
	resp.Body = http.MaxBytesReader(nil, resp.Body, maxAnswer)
	return resp, nil
}

// CloseIdleConnections is what [http.Client.CloseIdleConnections] looks for.
func (g *guard) CloseIdleConnections() {
	if c, ok := g.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
