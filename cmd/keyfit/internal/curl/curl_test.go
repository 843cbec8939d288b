package curl

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCurlArgumentsAreReadAsCurlReadsThem(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args []string
		want Request
	}{
		{[]string{"curl", "https://x/p"}, Request{URL: "https://x/p"}},
		{[]string{"x/p"}, Request{URL: "http://x/p"}},
		{[]string{"/p"}, Request{URL: "/p"}},
		{[]string{"-sSL", "-H", "A: 1", "--header", "B: 2", "-HC: 3", "http://x"}, Request{URL: "http://x", Headers: []string{"A: 1", "B: 2", "C: 3"}}},
		{[]string{"-sXPUT", "http://x"}, Request{URL: "http://x", Method: "PUT"}},
		{[]string{"-d", "a=1", "http://x"}, Request{URL: "http://x", Method: "POST"}},
		{[]string{"-d", "a=1", "-X", "PATCH", "http://x"}, Request{URL: "http://x", Method: "PATCH"}},
		{[]string{"-G", "-d", "a=1", "-d", "b=2", "http://x/p?c=3"}, Request{URL: "http://x/p?c=3&a=1&b=2"}},
		{[]string{"--json", "{}", "http://x"}, Request{URL: "http://x", Method: "POST", Headers: []string{"Content-Type: application/json"}}},
		{[]string{"-u", "me:pw", "--url", "http://x"}, Request{URL: "http://x", Headers: []string{"Authorization: Basic bWU6cHc="}}},
		{[]string{"-I", "http://x"}, Request{URL: "http://x", Method: "HEAD"}},
		{[]string{"--oauth2-bearer", "t", "-o", "/dev/null", "-w", "%{http_code}", "http://x"}, Request{URL: "http://x", Headers: []string{"Authorization: Bearer t"}}},
		{[]string{"-A", "me", "-b", "c=1", "-e", "http://r", "http://x"}, Request{URL: "http://x", Headers: []string{"User-Agent: me", "Cookie: c=1", "Referer: http://r"}}},
	} {
		got, err := Parse(tt.args)
		if err != nil {
			t.Errorf("%q: %v", tt.args, err)
			continue
		}
		if diff := cmp.Diff(tt.want, *got); diff != "" {
			t.Errorf("%q:\n%s", tt.args, diff)
		}
	}
	for _, args := range [][]string{nil, {"curl"}, {"-H"}, {"-H", "A: 1"}, {"--header"}, {"-Z", "http://x"}, {"--nope", "http://x"}, {"a", "b"}, {"http://\x7f"}} {
		if got, err := Parse(args); err == nil {
			t.Errorf("%q is read as %+v", args, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"curl -H A:1 http://x", "-sXPOST -d a=1 x", "--json {} /p", "-", "--", "-H", "-sSLH a:b x", "-é x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		const secret = "0123456789abcdef-secret"
		args := append(strings.Fields(line), "-H", "X-API-KEY: "+secret)
		got, err := Parse(args)
		if err != nil {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%q: the error repeats a header: %v", args, err)
			}
			return
		}
		if got.URL == "" {
			t.Errorf("%q: no URL and no error", args)
		}
	})
}
