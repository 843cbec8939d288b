package awssm

import (
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// maxResponse bounds a response. A secret has at most 64 KiB
// (https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html), or six
// times as much if JSON escapes every byte.
const maxResponse = 1 << 20

// errPlainHTTP is a refusal of the source, which must not be retried.
var errPlainHTTP = errors.New("plain http to the service would expose the key: use https, or set Config.PlainHTTP")

// guarded is a request option that refuses large responses and plain http.
func (s *Source) guarded(o *secretsmanager.Options) {
	if o.HTTPClient != nil {
		o.HTTPClient = guard{o.HTTPClient, s.cfg.PlainHTTP}
	}
}

type guard struct {
	base      secretsmanager.HTTPClient
	plainHTTP bool
}

// Do implements [secretsmanager.HTTPClient].
func (g guard) Do(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !g.plainHTTP && !isLoopback(r.URL.Hostname()) {
		return nil, errPlainHTTP
	}
	resp, err := g.base.Do(r)
	if err != nil {
		return nil, err
	}
	resp.Body = http.MaxBytesReader(nil, resp.Body, maxResponse)
	return resp, nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
