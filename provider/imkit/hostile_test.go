package imkit_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// hostile holds values that change the request unless they are escaped.
func hostile() []string {
	return []string{
		"../admin", "..", ".", "a/b", "a%2Fb", "%2e%2e", "a?b=c", "a#b", "a&b=c", `a"b'c`, `","admin":true,"x":"`,
		"a\nb", "a\r\nX-Evil: 1", "é世界", "a b", "+", ";", "{room}", "a\x00b", "\\", "<>&\u2028",
	}
}

func TestEveryArgumentReachesTheServerAsTheOneValueThatItIs(t *testing.T) {
	t.Parallel()
	plain := &recorder{}
	callAll(t, plain.admin(t), "plain")
	callAll(t, plain.user(t), "plain")
	for _, value := range hostile() {
		t.Run(url.QueryEscape(value), func(t *testing.T) {
			t.Parallel()
			r := &recorder{}
			callAll(t, r.admin(t), value)
			callAll(t, r.user(t), value)
			if diff := cmp.Diff(len(plain.requests), len(r.requests)); diff != "" {
				t.Fatalf("requests (-plain +hostile):\n%s", diff)
			}
			for i := range r.requests {
				want, got := &plain.requests[i], &r.requests[i]
				if diff := cmp.Diff(want.operation("plain"), got.operation(value)); diff != "" {
					t.Errorf("operation (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(replaced(t, want.query, value), got.query); diff != "" {
					t.Errorf("%s: query (-want +got):\n%s", want.path, diff)
				}
				if diff := cmp.Diff(replacedJSON(t, want.body, value), replacedJSON(t, got.body, value)); diff != "" {
					t.Errorf("%s: body (-want +got):\n%s", want.path, diff)
				}
			}
		})
	}
}

// replaced returns a query with "plain" replaced by value.
func replaced(t *testing.T, query url.Values, value string) url.Values {
	t.Helper()
	out := url.Values{}
	for name, list := range query {
		for _, s := range list {
			if strings.HasPrefix(s, "{") {
				b, err := json.Marshal(replacedJSON(t, s, value))
				if err != nil {
					t.Fatal(err)
				}
				s = string(b)
			} else if s == "plain" {
				s = value
			}
			out.Add(name, s)
		}
	}
	return out
}

// replacedJSON decodes a body with "plain" replaced by value.
func replacedJSON(t *testing.T, body, value string) any {
	t.Helper()
	if body == "" {
		return nil
	}
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return walk(v, func(v any) any {
		if v == "plain" {
			return value
		}
		return v
	})
}

// walk transforms every value of a decoded JSON document, inner values first.
func walk(v any, f func(any) any) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			v[name] = walk(v[name], f)
		}
	case []any:
		for i := range v {
			v[i] = walk(v[i], f)
		}
	default:
		return f(v)
	}
	return f(v)
}
