package awssm

import (
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// A secret is at most 64 KiB (https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html),
// six times as much where JSON escapes every byte.
const maxAnswer = 1 << 20

// errPlainHTTP is a refusal of ours, which no retry changes.
var errPlainHTTP = errors.New("the service would be asked over plain http, which shows the key on the way: use https, or set Config.PlainHTTP")

// guarded is an option of a request: nothing large comes in, and nothing over plain http.
func (s *Source) guarded(o *secretsmanager.Options) {
	if o.HTTPClient != nil {
		o.HTTPClient = guard{o.HTTPClient, s.cfg.PlainHTTP}
	}
}

type guard struct {
	base      secretsmanager.HTTPClient
	plainHTTP bool
}

// Do is that of an HTTP client.
func (g guard) Do(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !g.plainHTTP && !isLoopback(r.URL.Hostname()) {
		return nil, errPlainHTTP
	}
	resp, err := g.base.Do(r)
	if err != nil {
		return nil, err
	}
	resp.Body = http.MaxBytesReader(nil, resp.Body, maxAnswer)
	return resp, nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
