package keyfit_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// cachingServer answers with the version that stands in tag, and 304 if the caller has it.
func cachingServer(t *testing.T, tag *string, asked *[]string) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, strings.Join(r.Header.Values("If-None-Match"), "|"))
		w.Header().Set("ETag", *tag)
		w.Header().Set("Cache-Control", "max-age=60")
		if r.Header.Get("If-None-Match") == *tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = fmt.Fprintf(w, `{"version":%q}`, *tag)
	}))
	t.Cleanup(srv.Close)
	return srv
}

func TestWhatIsNotModifiedIsSaidByAnErrorOfItsOwn(t *testing.T) {
	t.Parallel()
	tag, asked := `"v1"`, []string(nil)
	srv := cachingServer(t, &tag, &asked)
	c, err := keyfit.New(keyfit.Provider{Name: "acme", BaseURL: srv.URL, Scheme: keyfit.Header("X-Api-Key")}, keyfit.WithKey("etag-lorem"))
	if err != nil {
		t.Fatal(err)
	}
	var resp keyfit.Response
	var known string
	var got []string
	for _, now := range []string{`"v1"`, `"v1"`, `W/"v2"`, `W/"v2"`} {
		tag = now
		value, err := keyfit.Get[map[string]string](t.Context(), c, "/facets", keyfit.WithIfNoneMatch(known), keyfit.WithResponse(&resp))
		if err != nil && !errors.Is(err, keyfit.ErrNotModified) {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%d %s %t %d", resp.StatusCode, value["version"], err != nil, resp.Attempts))
		known = resp.Header.Get("ETag")
	}
	if diff := cmp.Diff([]string{`200 "v1" false 1`, "304  true 1", `200 W/"v2" false 1`, "304  true 1"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"", `"v1"`, `"v1"`, `W/"v2"`}, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	if s := c.Stats(); s.Retries != 0 {
		t.Errorf("%d retries", s.Retries)
	}

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/facets", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("If-None-Match", tag)
	raw, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Body.Close()
	var base *keyfit.APIError
	if err := keyfit.CheckResponse(raw); !errors.Is(err, keyfit.ErrNotModified) || !errors.As(err, &base) || base.Header.Get("Cache-Control") == "" || errors.Is(err, keyfit.ErrBadRequest) {
		t.Errorf("the error of a raw call is %v", err)
	}
	if _, err := keyfit.Get[struct{}](t.Context(), c, "/facets", keyfit.WithIfNoneMatch("a\nb")); err == nil || errors.Is(err, keyfit.ErrNotModified) {
		t.Errorf("a tag with a line break: %v", err)
	}
}

func TestTheNameOfTheProgramIsInTheUserAgent(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"shop/1.2": "shop/1.2 keyfit/" + keyfit.Version, "shop": "shop keyfit/" + keyfit.Version,
		"": "error", "/1": "error", "shop/": "error", "a b": "error", "shop/1/2": "error", "shop\r\nX: y": "error", "Lädchen": "error",
	} {
		var got string
		wire := roundTripFunc(func(req *http.Request) (*http.Response, error) {
			got = req.UserAgent()
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), Request: req}, nil
		})
		c, err := keyfit.New(keyfit.Imin(), keyfit.WithKey("lorem"), keyfit.WithAppName(name), keyfit.WithHTTPClient(&http.Client{Transport: wire}))
		if err != nil {
			got = "error"
		} else if _, err := keyfit.Get[any](t.Context(), c, "/x"); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", name, diff)
		}
	}
	if _, err := keyfit.New(keyfit.Imin(), keyfit.WithKey("lorem"), keyfit.WithAppName("shop"), keyfit.WithUserAgent("x")); err == nil {
		t.Error("both options are taken")
	}
}
