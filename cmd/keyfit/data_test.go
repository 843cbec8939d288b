package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDataGoesOutAndIn(t *testing.T) {
	t.Parallel()
	mock := mockFor(t, "--log", "off", "--no-keys")
	file := filepath.Join(t.TempDir(), "users.json")
	writeFile(t, file, `[{"_id":"ann","nickname":"Ann"},{"_id":"bob"}]`)
	if got := runKeyfit(t, mock, "data", "put", "imkit", "users", file); got.code != 0 || got.out != "imkit users: 2 items\n" {
		t.Fatalf("put: %+v", got)
	}
	list := runKeyfit(t, mock, "data", "list").out
	for _, want := range []string{"PROVIDER", "imkit     users", "mindkey   Employee", "optimove  customers", "imin      eventSeries"} {
		if !strings.Contains(list, want) {
			t.Errorf("list: no %q in\n%s", want, list)
		}
	}
	var rows []struct {
		Provider, Name string
		Count          int
	}
	if err := json.Unmarshal([]byte(runKeyfit(t, mock, "data", "list", "imkit", "--json").out), &rows); err != nil || len(rows) == 0 || rows[0].Count != 2 {
		t.Errorf("list --json: %+v, %v", rows, err)
	}
	if got := runKeyfit(t, mock, "data", "get", "imkit", "users", file); got.code != 0 || got.out != "" {
		t.Fatalf("get: %+v", got)
	}
	before := runKeyfit(t, mock, "data", "get", "imkit", "users").out
	if !strings.Contains(before, `"nickname": "Ann"`) {
		t.Errorf("get: %s", before)
	}
	for _, tt := range []struct{ in, want string }{
		{`[{"_id":"ann"},{"_id":"ann"}]`, "users[1]: _id is already used by users[0]"},
		{`{}`, "is not a JSON array"},
		{`[{"_id":`, "is not a JSON array"},
	} {
		oneLine(t, tt.in, runKeyfitIn(t.Context(), mock, tt.in, "data", "put", "imkit", "users", "-"), 1, tt.want)
	}
	oneLine(t, "unknown collection", runKeyfit(t, mock, "data", "get", "imkit", "cars"), 1, "there are users")
	if got := runKeyfitIn(t.Context(), mock, before, "data", "put", "imkit", "users", "-", "--json"); got.code != 0 || !strings.Contains(got.out, `"count": 2`) {
		t.Errorf("put from stdin: %+v", got)
	}
	if diff := cmp.Diff(before, runKeyfit(t, mock, "data", "get", "imkit", "users", "-").out); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}
