package keyfit

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// An answer is read once, for the loop and for the caller; but a key that became known in
// between is taken out of it all the same.
func TestAnErrorAnswerIsReadAgainOnlyForANewKey(t *testing.T) {
	t.Parallel()
	const first, second = "first-key-0123456789", "second-key-0123456789"
	for _, tt := range []struct {
		name   string
		rotate string // to this key, after the first reading
		want   string
		again  bool
	}{
		{"the same keys", "", "echo of [redacted] and " + second, false},
		{"a new key", second, "echo of [redacted] and [redacted]", true},
		{"the same key anew", first, "echo of [redacted] and " + second, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ring, err := NewKeyring(t.Context(), Static(APIKey(first)))
			if err != nil {
				t.Fatal(err)
			}
			k := &call{client: &Client{provider: Optimove("")}, ring: ring, method: "GET", url: &url.URL{Path: "/p"}, trouble: &trouble{path: "/p", retry: retryState{note: "a note"}}}
			resp := &http.Response{
				StatusCode: http.StatusInternalServerError, Header: http.Header{"X-Request-Id": {"id"}},
				Body: io.NopCloser(strings.NewReader("echo of " + first + " and " + second)),
			}
			before := k.reading(resp).err
			if tt.rotate != "" {
				if err := ring.Rotate(t.Context(), APIKey(tt.rotate)); err != nil {
					t.Fatal(err)
				}
			}
			after, ok := asAPIError(k.answerError(resp))
			if !ok {
				t.Fatal("no *APIError")
			}
			if diff := cmp.Diff(tt.want, string(after.Body())); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, after.Message); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
			if again := &before.body[0] != &after.body[0]; again != tt.again {
				t.Errorf("the body was copied again: %v, want %v", again, tt.again)
			}
			after.Header.Set("X-Request-Id", "changed")
			if want := "id"; before.Note != "" || before.Header.Get("X-Request-Id") != want {
				t.Errorf("what the gate shows others was changed: note %q, header %v", before.Note, before.Header)
			}
		})
	}
}
