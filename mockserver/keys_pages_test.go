package mockserver_test

import (
	"encoding/json"
	"net/http"
	"os"
	"testing"

	"github.com/keyfit/keyfit/mockserver"
)

// A list of all keys takes as many requests as it has pages, each key is on one of them.
// (A page is found by its number: see Keys.page.)
func TestAListOfManyKeysIsReadInPages(t *testing.T) {
	t.Parallel()
	const size = 1_000
	keys := 2_675
	if os.Getenv("KEYFIT_LONG") != "" {
		keys = 26_675
	}
	srv := mockserver.New(t)
	for range keys {
		srv.Keys().Issue(mockserver.IMKIT)
	}
	requests, seen := 0, make(map[string]bool, keys)
	for cursor := ""; requests == 0 || cursor != ""; requests++ {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.AdminURL()+"/v1/namespaces/default/keys?limit=1000&cursor="+cursor, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+srv.AdminToken().Reveal())
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var page struct {
			Items []struct {
				ID string `json:"id"`
			} `json:"items"`
			Next string `json:"next"`
		}
		err = json.NewDecoder(res.Body).Decode(&page)
		_ = res.Body.Close()
		if err != nil || len(page.Items) == 0 || len(page.Items) > size {
			t.Fatalf("%d: %d items, %v", res.StatusCode, len(page.Items), err)
		}
		for _, k := range page.Items {
			seen[k.ID] = true
		}
		cursor = page.Next
	}
	if want := (keys + size - 1) / size; len(seen) != keys || requests != want {
		t.Errorf("%d keys in %d requests, want %d in %d", len(seen), requests, keys, want)
	}
}
