package vault_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The test sends the same steps to the fakes and to a real server and compares the responses.
func TestTheFakeAnswersAsTheServer(t *testing.T) {
	t.Parallel()
	const denied, invalid = "permission denied", "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"
	steps := []struct {
		do, body string
		token    string // "": the administrator's token; "none": no token
		status   int
		want     string // parts of the response, see outline
	}{
		{do: "POST kv/data/app", body: `{"data":{"key":"k1"}}`, status: 200, want: `{version:1 deleted:false destroyed:false}`},
		{do: "POST kv/data/app", body: `{"data":{"key":"k2"},"options":{"cas":1}}`, status: 200, want: `{version:2 deleted:false destroyed:false}`},
		{do: "POST kv/data/app", body: `{"data":{"key":"k3"},"options":{"cas":1}}`, status: 400, want: `[check-and-set parameter did not match the current version]`},
		{do: "GET kv/data/app", status: 200, want: `{key:k2 version:2 deleted:false destroyed:false}`},
		{do: "GET kv/data/app?version=1", status: 200, want: `{key:k1 version:1 deleted:false destroyed:false}`},
		{do: "GET kv/data/app?version=9", status: 404, want: `[]`},
		{do: "POST kv/metadata/app", body: `{"custom_metadata":{"not_after":"2027-02-01"}}`, status: 204},
		{do: "GET kv/metadata/app", status: 200, want: `{current:2 versions:2 not_after:2027-02-01}`},
		{do: "GET kv/data/app", status: 200, want: `{key:k2 version:2 deleted:false destroyed:false not_after:2027-02-01}`},
		{do: "DELETE kv/data/app", status: 204},
		{do: "GET kv/data/app", status: 404, want: `{version:2 deleted:true destroyed:false not_after:2027-02-01}`},
		{do: "POST kv/undelete/app", body: `{"versions":[2]}`, status: 204},
		{do: "GET kv/data/app", status: 200, want: `{key:k2 version:2 deleted:false destroyed:false not_after:2027-02-01}`},
		{do: "POST kv/destroy/app", body: `{"versions":[1]}`, status: 204},
		{do: "GET kv/data/app?version=1", status: 404, want: `{version:1 deleted:false destroyed:true not_after:2027-02-01}`},
		{do: "GET kv/data/nope", status: 404, want: `[]`},
		{do: "GET kv/metadata/nope", status: 404, want: `[]`},
		{do: "GET nowhere/data/app", status: 404, want: `[no handler for route "nowhere/data/app". route entry not found.]`},
		{do: "GET kv/data/app", token: "hvs.bad", status: 403, want: "[" + invalid + "]"},
		{do: "GET kv/data/app", token: "none", status: 403, want: "[" + denied + "]"},
		{do: "GET sys/events/subscribe/kv", status: 404, want: "[1 error occurred:\n\t* unsupported path\n\n]"},
		{do: "PUT auth/nowhere/login", body: `{"role_id":"r","secret_id":"s"}`, token: "none", status: 403, want: "[" + denied + "]"},
		{do: "PUT auth/approle/login", body: `{"role_id":"r","secret_id":"s"}`, token: "none", status: 400, want: `[invalid role or secret ID]`},
	}
	onEachServer(t, func(t *testing.T, s *server) {
		t.Helper()
		s.role(t, "read")
		for i, step := range steps {
			method, path, _ := strings.Cut(step.do, " ")
			path = strings.Replace(strings.Replace(path, "kv/", s.mount+"/", 1), "auth/approle/", "auth/"+s.approle+"/", 1)
			req, err := http.NewRequestWithContext(t.Context(), method, s.addr+"/v1/"+path, strings.NewReader(step.body))
			if err != nil {
				t.Fatal(err)
			}
			switch step.token {
			case "none":
			case "":
				req.Header.Set("X-Vault-Token", s.admin.Token())
			default:
				req.Header.Set("X-Vault-Token", step.token)
			}
			resp, err := s.transport.base.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			raw, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			want := fmt.Sprint(step.status, " ", step.want)
			if s.isBao { // the only text that differs, as observed on OpenBao 2.6.2
				want = strings.Replace(want, invalid, denied, 1)
			}
			if diff := cmp.Diff(want, fmt.Sprint(resp.StatusCode, " ", outline(raw))); diff != "" {
				t.Errorf("step %d, %s (-want +got):\n%s", i+1, step.do, diff)
			}
		}
	})
}

// outline returns the parts of a response that clients may rely on: the errors or the data.
func outline(raw []byte) string {
	var a struct {
		Errors []string
		Data   map[string]any
	}
	if json.Unmarshal(raw, &a) != nil {
		return ""
	}
	if a.Data == nil {
		return fmt.Sprint(a.Errors)
	}
	parts := []string{}
	add := func(name string, value any) { parts = append(parts, fmt.Sprintf("%s:%v", name, value)) }
	meta := a.Data
	if inner, ok := a.Data["metadata"].(map[string]any); ok {
		meta = inner
		if fields, ok := a.Data["data"].(map[string]any); ok {
			add("key", fields["key"])
		}
	}
	if current, ok := meta["current_version"]; ok {
		add("current", current)
		add("versions", len(meta["versions"].(map[string]any)))
	} else {
		add("version", meta["version"])
		add("deleted", meta["deletion_time"] != "")
		add("destroyed", meta["destroyed"])
	}
	if custom, ok := meta["custom_metadata"].(map[string]any); ok {
		add("not_after", custom["not_after"])
	}
	return "{" + strings.Join(parts, " ") + "}"
}
