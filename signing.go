package keyfit

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
)

var errStreamDigest = errors.New("the body is a stream, which can be read only once: give a []byte, a string, a *bytes.Reader or a request with GetBody")

// BodySHA256 returns the SHA-256 digest of a request's body and leaves the body unread. It is
// for a [Scheme] that signs requests: [Scheme.Apply] is called anew for each attempt, just
// before it is sent, with the URL as it will be sent, so date, nonce and signature are always
// fresh. The digest of no body is that of an empty one. A body that cannot be read twice is
// an error.
func BodySHA256(req *http.Request) ([]byte, error) {
	sum := sha256.New()
	if req.Body == nil || req.Body == http.NoBody {
		return sum.Sum(nil), nil
	}
	if req.GetBody == nil {
		return nil, errStreamDigest
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, fmt.Errorf("the body for the digest: %w", err)
	}
	_, err = io.Copy(sum, body)
	if err = errors.Join(err, body.Close()); err != nil {
		return nil, fmt.Errorf("the body for the digest: %w", err)
	}
	return sum.Sum(nil), nil
}
