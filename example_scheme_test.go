package keyfit_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/keyfit/keyfit"
)

// hmacScheme signs a request: the secret stays at home, and what is sent is worth nothing for
// another path, another body or another day.
type hmacScheme struct{}

func (hmacScheme) Apply(req *http.Request, c keyfit.Credential) error {
	digest, err := keyfit.BodySHA256(req)
	if err != nil {
		return err
	}
	date := time.Now().UTC().Format(http.TimeFormat) // of this attempt
	req.Header.Set("Date", date)
	req.Header.Set("Authorization", "HMAC-SHA256 "+c.ID.Reveal()+":"+signature(c.Key.Reveal(), req, date, digest))
	return nil
}

func signature(secret string, req *http.Request, date string, digest []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = fmt.Fprintf(mac, "%s\n%s\n%s\n%x", req.Method, req.URL.RequestURI(), date, digest)
	return hex.EncodeToString(mac.Sum(nil))
}

// A scheme of the program's own signs every attempt anew.
func ExampleScheme_signing() {
	attempts := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if attempts++; attempts == 1 {
			w.WriteHeader(http.StatusServiceUnavailable) // and so it is sent, and signed, again
			return
		}
		body, _ := io.ReadAll(r.Body)
		digest := sha256.Sum256(body)
		want := "HMAC-SHA256 shop:" + signature("lorem-fitsum-secret", r, r.Header.Get("Date"), digest[:])
		if !hmac.Equal([]byte(want), []byte(r.Header.Get("Authorization"))) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"order":7}`)
	}))
	defer srv.Close()

	c, err := keyfit.New(keyfit.Provider{Name: "acme", BaseURL: srv.URL, Scheme: hmacScheme{}},
		keyfit.WithSource(keyfit.Static(keyfit.KeyPair("shop", "lorem-fitsum-secret"))),
		keyfit.WithRetry(keyfit.RetryPolicy{MinBackoff: time.Millisecond}))
	if err != nil {
		fmt.Println(err)
		return
	}
	order, err := keyfit.Send[map[string]int](context.Background(), c, http.MethodPut, "/orders/7?notify=true", map[string]int{"amount": 3})
	fmt.Println(order, err, attempts)

	_, err = keyfit.Send[struct{}](context.Background(), c, http.MethodPut, "/orders/8", io.LimitReader(strings.NewReader("a stream"), 8))
	fmt.Println(err)
	// Output:
	// map[order:7] <nil> 2
	// acme: PUT /orders/8: the key could not be put on the request: the body is a stream, which can be read only once: give a []byte, a string, a *bytes.Reader or a request with GetBody
}
