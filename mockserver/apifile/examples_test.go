package apifile_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/mockserver/apifile"
)

// TestTheFilesOfTheExamplesArePlayed: each route of each file answers a key, and only a key.
func TestTheFilesOfTheExamplesArePlayed(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../examples/apis/*.yaml")
	if err != nil || len(files) != 3 {
		t.Fatalf("%v %v", files, err)
	}
	files = append(files, "../../examples/anyapi/acme.yaml", "../../examples/anyapi/acme.openapi.yaml")
	for _, file := range files {
		read, err := apifile.Load(file)
		if err != nil {
			t.Error(err)
			continue
		}
		api := read.API
		srv := mockserver.New(t, mockserver.WithAPI(api), mockserver.WithoutRateLimits())
		key, rt := srv.Keys().Issue(api.Name), srv.Transport()
		for _, route := range api.Routes {
			method, path, _ := strings.Cut(route.Pattern, " ")
			for _, sent := range []bool{true, false} {
				r, err := http.NewRequestWithContext(t.Context(), method, "http://"+string(api.Name)+".localhost"+strings.NewReplacer("{", "", "}", "").Replace(path), strings.NewReader(`{"model":"m","amount":1}`))
				if err != nil {
					t.Fatal(err)
				}
				if sent {
					key.Apply(r)
				}
				res, err := rt.RoundTrip(r)
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
				if (res.StatusCode < 300) != sent {
					t.Errorf("%s: %s, with a key: %t: %s", file, route.Pattern, sent, res.Status)
				}
			}
		}
	}
}
