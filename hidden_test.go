package keyfit_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// net/http promises a body that can be written to for 101 Switching Protocols.
func TestTheBodyOfAnUpgradedConnectionIsWritable(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		line, _ := rw.ReadString('\n')
		_, _ = io.WriteString(conn, "echo "+line)
	}))
	t.Cleanup(srv.Close)
	for name, policy := range map[string]keyfit.RetryPolicy{"plain": {}, "with a timeout of the attempt": {AttemptTimeout: time.Minute}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := keyfit.New(wireSchemes()[0].provider(srv.URL), keyfit.WithKey(wireKey), keyfit.WithRetry(policy))
			if err != nil {
				t.Fatal(err)
			}
			for door, do := range map[string]func(*http.Request) (*http.Response, error){"Do": c.Do, "HTTPClient": c.HTTPClient().Do} {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Connection", "Upgrade")
				req.Header.Set("Upgrade", "echo")
				resp, err := do(req)
				if err != nil {
					t.Fatal(err)
				}
				w, ok := resp.Body.(io.Writer)
				if !ok {
					t.Fatalf("%s: the body is a %T", door, resp.Body)
				}
				if _, err := io.WriteString(w, "hello\n"); err != nil {
					t.Fatal(err)
				}
				got, err := bufio.NewReader(resp.Body).ReadString('\n')
				if d := cmp.Diff("echo hello\n", got); d != "" {
					t.Errorf("%s: %v (-want +got):\n%s", door, err, d)
				}
				_ = resp.Body.Close()
			}
		})
	}
}

// A caller compares with http.NoBody to see that nothing comes.
func TestAnAnswerWithoutABodyHasNoBody(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]io.ReadCloser{"nil": nil, "none": http.NoBody} {
		pool := rawTripper(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{}, Body: body, Request: r}, nil
		})
		c, err := keyfit.New(wireSchemes()[0].provider("http://localhost"), keyfit.WithKey(wireKey), keyfit.WithHTTPClient(&http.Client{Transport: pool}))
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body.Close() != nil || resp.Body != http.NoBody {
			t.Errorf("%s: the body is a %T", name, resp.Body)
		}
	}
}
