package keyfit_test

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// cachingSource is a source as one of OAuth tokens is: it offers what it has until it is
// told that the provider refused that.
type cachingSource struct {
	fetched atomic.Int64
	delay   time.Duration
	told    []string // the refused fingerprints, in order; "" for none
}

func (s *cachingSource) Credential(ctx context.Context) (keyfit.Credential, error) {
	<-time.After(s.delay)
	refused := keyfit.RefusedKey(ctx)
	s.told = append(s.told, refused)
	if s.fetched.Load() == 0 || refused == tokenNumber(s.fetched.Load()).Fingerprint() {
		s.fetched.Add(1)
	}
	return tokenNumber(s.fetched.Load()), nil
}

func tokenNumber(n int64) keyfit.Credential {
	return keyfit.APIKey("refused-token-" + string(rune('0'+n)))
}

type refuseToken struct{ token string }

func (f refuseToken) RoundTrip(r *http.Request) (*http.Response, error) {
	status := http.StatusOK
	if r.Header.Get("Authorization") == "Bearer "+f.token {
		status = http.StatusUnauthorized
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(http.NoBody), Request: r}, nil
}

func TestASourceIsToldWhichKeyWasRefused(t *testing.T) {
	t.Parallel()
	for _, watched := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			source := &cachingSource{}
			p := keyfit.Iiniit()
			p.Scheme = keyfit.Bearer()
			c, err := keyfit.New(p, keyfit.WithSource(source), keyfit.WithHTTPClient(&http.Client{Transport: refuseToken{tokenNumber(1).Key.Reveal()}}))
			if err != nil {
				t.Fatal(err)
			}
			want := []string{"", tokenNumber(1).Fingerprint()}
			if watched { // the refusal meets a question that is under way for no reason
				source.delay = time.Second
				go func() { _, _ = c.Keys().Reload(t.Context()) }()
				synctest.Wait()
				want = []string{"", "", tokenNumber(1).Fingerprint()}
			}
			if _, err := keyfit.Get[struct{}](t.Context(), c, "/resource"); err != nil {
				t.Errorf("watched %v: %v", watched, err)
			}
			if d := cmp.Diff(want, source.told); d != "" {
				t.Errorf("watched %v: told (-want +got):\n%s", watched, d)
			}
		})
	}
}
