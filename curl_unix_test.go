//go:build unix

package keyfit_test

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// curlArguments is what a shell makes of a command line of curl, if the variables of the keys
// are set.
func curlArguments(t *testing.T, lines ...string) [][]string {
	t.Helper()
	script := "IMKIT_API_KEY=the-key IMKIT_USER_TOKEN=the-token IMKIT_CLIENT_KEY=the-id\ncurl() { printf '%s\\0' \"$@\"; printf 'END\\0'; }\n" + strings.Join(lines, "\n")
	out, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", script).Output()
	if err != nil {
		t.Fatalf("%v of\n%s", err, script)
	}
	var calls [][]string
	for call := range strings.SplitSeq(strings.TrimSuffix(string(out), "END\x00"), "END\x00") {
		calls = append(calls, strings.Split(strings.TrimSuffix(call, "\x00"), "\x00"))
	}
	return calls
}

// signed is a scheme that computes something from the key.
type signed struct{}

func (signed) Apply(req *http.Request, c keyfit.Credential) error {
	req.Header.Set("X-Signature", strings.ToLower(c.Key.Reveal())+req.URL.Path)
	return nil
}

func TestACommandLineOfCurlHasAVariableInPlaceOfTheKey(t *testing.T) {
	t.Parallel()
	const key = "MjJZcFlIRGFRbElRbERTdlZMQ0xMbzJNUHpGZlZtOWpZcHh3MnZ1QnJtaz0="
	for name, tt := range map[string]struct {
		scheme keyfit.Scheme
		call   func(c *keyfit.Client, opts ...keyfit.CallOption) error
		want   []string
	}{
		"a GET": {
			call: func(c *keyfit.Client, opts ...keyfit.CallOption) error {
				_, err := keyfit.Get[struct{}](t.Context(), c, "/rooms/it's {one}?x=$HOME", append(opts, keyfit.Param("q", "a b"))...)
				return err
			},
			want: []string{"https://app.imkit.io/rooms/it%27s%20%7Bone%7D?x=$HOME&q=a+b", "-H", "Accept: application/json", "-H", "Im-Api-Key: the-key"},
		},
		"a POST": {
			call: func(c *keyfit.Client, opts ...keyfit.CallOption) error {
				_, err := keyfit.Send[struct{}](t.Context(), c, http.MethodPost, "/x", map[string]string{"text": "it's\n`id` $(id) " + key}, append(opts, keyfit.WithIdempotencyKey("k"))...)
				return err
			},
			want: []string{
				"-X", "POST", "https://app.imkit.io/x", "-H", "Accept: application/json", "-H", "Content-Type: application/json; charset=utf-8",
				"-H", "Idempotency-Key: k", "-H", "Im-Api-Key: the-key", "--data-raw", "{\"text\":\"it's\\n`id` $(id) [redacted]\"}",
			},
		},
		"private headers": {
			call: func(c *keyfit.Client, opts ...keyfit.CallOption) error {
				_, err := keyfit.Send[struct{}](t.Context(), c, http.MethodHead, "/x", nil,
					append(opts, keyfit.WithHeader("Authorization", "Basic lorem"), keyfit.WithHeader("Cookie", "a=b"), keyfit.WithHeader("X-Empty", ""))...)
				return err
			},
			want: []string{"--head", "https://app.imkit.io/x", "-H", "Accept: application/json", "-H", "Authorization: [redacted]", "-H", "Cookie: [redacted]", "-H", "Im-Api-Key: the-key", "-H", "X-Empty;"},
		},
		"private names of every kind": {
			call: func(c *keyfit.Client, opts ...keyfit.CallOption) error {
				_, err := keyfit.Get[struct{}](t.Context(), c, "/x?access_token=lorem&page=2&KEY=lorem&%74oken=lorem&sig=lorem&api_key=lorem&monkeys=3", append(opts,
					keyfit.WithHeader("Ocp-Apim-Subscription-Key", "lorem"), keyfit.WithHeader("X-Amz-Credential", "lorem"), keyfit.WithHeader("X-Keyword", "a"))...)
				return err
			},
			want: []string{
				"--globoff", "https://app.imkit.io/x?access_token=[redacted]&page=2&KEY=[redacted]&%74oken=[redacted]&sig=[redacted]&api_key=[redacted]&monkeys=3",
				"-H", "Accept: application/json", "-H", "Im-Api-Key: the-key", "-H", "Ocp-Apim-Subscription-Key: [redacted]", "-H", "X-Amz-Credential: [redacted]", "-H", "X-Keyword: a",
			},
		},
		"a query": {
			scheme: keyfit.Query("api_key"),
			call: func(c *keyfit.Client, opts ...keyfit.CallOption) error {
				_, err := keyfit.Get[struct{}](t.Context(), c, "/x?y=1", opts...)
				return err
			},
			want: []string{"https://app.imkit.io/x?y=1&api_key=the-key", "-H", "Accept: application/json"},
		},
		"a signature": {
			scheme: signed{},
			call: func(c *keyfit.Client, opts ...keyfit.CallOption) error {
				_, err := keyfit.Get[struct{}](t.Context(), c, "/x", opts...)
				return err
			},
			want: []string{"https://app.imkit.io/x", "-H", "Accept: application/json", "-H", "X-Signature: [redacted]"},
		},
		"a stream": {
			call: func(c *keyfit.Client, opts ...keyfit.CallOption) error {
				_, err := keyfit.Send[struct{}](t.Context(), c, http.MethodPut, "/x", io.MultiReader(strings.NewReader("x")), opts...)
				return err
			},
			want: []string{"-X", "PUT", "https://app.imkit.io/x", "-H", "Accept: application/json", "-H", "Content-Type: application/octet-stream", "-H", "Im-Api-Key: the-key", "--data-binary", "@body"},
		},
	} {
		p := keyfit.IMKIT("app")
		if tt.scheme != nil {
			p.Scheme = tt.scheme
		}
		sent := 0
		wire := roundTripFunc(func(req *http.Request) (*http.Response, error) { sent++; return respond(req, 500, ""), nil })
		c, err := keyfit.New(p, keyfit.WithKey(key), keyfit.WithoutDotEnv(), keyfit.WithHTTPClient(&http.Client{Transport: wire}), keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 1}))
		if err != nil {
			t.Fatal(err)
		}
		var text string
		if err := tt.call(c, keyfit.WithCurl(&text)); err == nil || sent != 1 {
			t.Errorf("%s: %d requests, %v", name, sent, err)
		}
		if strings.Contains(text, key[:8]) || strings.Contains(text, "PLACEHOLDER") {
			t.Errorf("%s: the key is told: %s", name, text)
		}
		if diff := cmp.Diff([][]string{tt.want}, curlArguments(t, text)); diff != "" {
			t.Errorf("%s: %s\narguments (-want +got):\n%s", name, text, diff)
		}
	}
}

func TestACommandLineOfCurlIsOfARawRequestToo(t *testing.T) {
	t.Parallel()
	c, err := keyfit.New(keyfit.IMKITUser("app"), keyfit.WithSource(keyfit.Static(keyfit.KeyPair("id-lorem-fitsum", "token-lorem-fitsum"))), keyfit.WithoutDotEnv())
	if err != nil {
		t.Fatal(err)
	}
	random, line := rand.New(rand.NewPCG(1, 2)), []string(nil)
	var want [][]string
	for range 50 { // any text goes through the shell as it is
		var body strings.Builder
		for range 1 + random.IntN(40) {
			body.WriteRune([]rune("'\"\\$`!\n\t &;|<>*?()[]{}~#%=éx")[random.IntN(27)])
		}
		text := body.String() + "x" // a shell drops no line break there
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPatch, "/x", strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Curl(req)
		if err != nil {
			t.Fatal(err)
		}
		line = append(line, got)
		want = append(want, []string{"-X", "PATCH", "https://app.imkit.io/x", "-H", "Im-Authorization: the-token", "-H", "Im-Client-Key: the-id", "-H", "Content-Type:", "--data-raw", text})
		if left, err := io.ReadAll(req.Body); string(left) != text || err != nil || len(req.Header) > 0 {
			t.Errorf("the request was changed: %q, %v", left, req.Header)
		}
	}
	if diff := cmp.Diff(want, curlArguments(t, line...)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := c.Curl(nil); err == nil {
		t.Error("no error")
	}
}
