package keyfit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// canaryWorld is a rotation in which everybody repeats the key: the source in its errors and
// in the names of versions and places, the provider in its answers, the probe in what it
// returns.
type canaryWorld struct {
	src    *engineSource
	status map[string]int // of a key; else 401
	missed bool           // the provider says that no key arrived
	path   string         // that is forbidden
}

func canaryKey(n int) keyfit.Credential {
	cred := keyfit.APIKey(fmt.Sprintf("Zk%dQ7w-rotation+canary/%d%d=", n, n*n+7, n*13+5))
	cred.Version, cred.Place = "v-"+cred.Key.Reveal(), "vault "+cred.Key.Reveal()
	return cred
}

func (w *canaryWorld) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
	}
	key := req.Header.Get("X-API-KEY")
	status, known := w.status[key]
	switch {
	case w.missed || !known:
		status = http.StatusUnauthorized
	case req.URL.Path == w.path && w.status[key] == http.StatusForbidden:
	case status == http.StatusForbidden:
		status = http.StatusOK
	}
	code := "INVALID_API_KEY"
	switch {
	case w.missed:
		code = "MISSING_API_KEY"
	case status == http.StatusForbidden:
		code = "INSUFFICIENT_PERMISSIONS"
	}
	body, err := json.Marshal(map[string]string{"error": code, "message": "you sent\n" + key, "requestId": key})
	if err != nil {
		return nil, err
	}
	resp, err := errorAnswer(status, string(body))(req)
	resp.Header.Set("X-Echo", key)
	return resp, err
}

func (w *canaryWorld) probe(_ context.Context, cred keyfit.Credential) error {
	if w.status[cred.Key.Reveal()] == http.StatusOK {
		return nil
	}
	return fmt.Errorf("%w: the provider says\n%s", keyfit.ErrUnauthorized, cred.Key.Reveal())
}

// lockedBuffer is written to by whoever tells of an event.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.buf.Reset()
	return b.buf.String()
}

func TestCanaryARotationTellsNoKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const keys = 9
		creds := make([]keyfit.Credential, 0, keys)
		for n := range keys {
			creds = append(creds, canaryKey(n))
		}
		key := func(n int) string { return creds[n].Key.Reveal() }
		find := newCanary(creds...)
		first := creds[0]
		first.Expires = time.Now().Add(5 * lifeDay)
		w := &canaryWorld{src: &engineSource{offer: offered(first)}, status: map[string]int{key(0): http.StatusOK}, path: "/forbidden"}

		var told lockedBuffer
		var mu sync.Mutex
		kinds := map[keyfit.KeyEventKind]bool{}
		level := &slog.HandlerOptions{Level: slog.LevelDebug}
		log := slog.New(slog.NewMultiHandler(slog.NewJSONHandler(&told, level), slog.NewTextHandler(&told, level)))
		ring, err := keyfit.NewKeyring(t.Context(), w.src, keyfit.ForProvider(keyfit.Provider{Name: "acme", RotateEvery: 90 * lifeDay}), keyfit.Verify(w.probe), keyfit.WithLogger(log), keyfit.HoldCalls(time.Second, 0),
			keyfit.WithHooks(keyfit.Hooks{Key: func(e keyfit.KeyEvent) {
				mu.Lock()
				defer mu.Unlock()
				kinds[e.Kind] = true
				_, _ = io.WriteString(&told, canaryForms(e))
				if strings.ContainsAny(e.Reason, "\r\n") {
					t.Errorf("a reason of more than one line: %q", e.Reason)
				}
			}}))
		if err != nil {
			t.Fatal(err)
		}
		c := ringClient(t, w, ring)
		see := func(where string, values ...any) {
			t.Helper()
			var texts []string
			for _, v := range append(values, ring.Status()) {
				if v != nil {
					texts = append(texts, canaryForms(v))
				}
			}
			synctest.Wait()
			find.absent(t, where, append(texts, told.take())...)
		}
		get := func(path string) error {
			_, err := keyfit.Get[struct{}](t.Context(), c, path)
			return err
		}
		reload := func(offer keyfit.Versions, err error) error {
			w.src.set(offer, err)
			_, err = ring.Reload(t.Context())
			return err
		}

		see("accepted", get("/p"), get(w.path))
		see("a source that fails", reload(keyfit.Versions{}, errors.New("sealed\nfor "+key(0))))
		see("an offer that is malformed", reload(offered(keyfit.APIKey(key(0)+"\x01"+key(1))), nil))
		see("a candidate that is refused", reload(offered(creds[1]), nil))
		w.status[key(1)] = http.StatusOK
		see("a candidate that is accepted", reload(offered(creds[1]), nil))
		see("a key that is refused", errorsOf(func() error { delete(w.status, key(1)); return get("/p") }, 4, 3*time.Second))
		see("a key given by hand that is refused", ring.Rotate(t.Context(), creds[2], keyfit.Verify(w.probe)))
		w.status[key(2)] = http.StatusForbidden
		see("a key that lacks a permission", ring.Rotate(t.Context(), creds[2]), get("/p"), get(w.path))
		see("a rollback", ring.Rollback())
		w.missed = true
		see("no key arrived", get("/p/"+key(0)))
		w.missed = false
		w.status = map[string]int{}
		see("every key refused", errorsOf(func() error { return get("/p") }, 3, 0))
		_, err = keyfit.Send[struct{}](t.Context(), c, http.MethodPost, "/p", io.MultiReader(strings.NewReader("x")))
		see("a body that goes out once", err)
		w.status[key(3)] = http.StatusOK
		see("another key", ring.Rotate(t.Context(), creds[3]), get("/p"))
		see("a key that is prepared", reload(keyfit.Versions{Current: creds[3], Pending: creds[4]}, nil))
		time.Sleep(time.Hour) //nolint:forbidigo // fake time
		ends := creds[5]
		ends.Expires = time.Now().Add(lifeDay / 2)
		w.status[key(5)] = http.StatusOK
		see("a key that ends", reload(offered(ends), nil))
		time.Sleep(lifeDay) //nolint:forbidigo // fake time
		see("a key that has ended", reload(offered(ends), nil))
		see("a key whose end nobody knows", ring.Rotate(t.Context(), creds[6]))
		time.Sleep(100 * lifeDay) //nolint:forbidigo // fake time
		see("a key that has grown old", get("/p"))

		var got []string
		for kind := range kinds {
			got = append(got, string(kind))
		}
		slices.Sort(got)
		want := []string{
			"auth.misconfigured", "circuit.closed", "circuit.open", "key.demoted", "key.expired", "key.expiring", "key.fallback", "key.promoted",
			"key.refused", "key.rejected", "key.retired", "key.rollback", "key.rotation_due", "key.safe_to_revoke", "key.scope_regression", "key.staged", "key.verified", "source.stale",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the events that were seen are not all there are (-want +got):\n%s", diff)
		}
	})
}

// errorsOf joins the errors of n calls, which are some time apart.
func errorsOf(call func() error, n int, apart time.Duration) error {
	var all []error
	for range n {
		all = append(all, call())
		pause(apart)
	}
	return errors.Join(all...)
}
