package keyfit_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyfit/keyfit"
)

// echoWorld is a provider that refuses every request and tells all that it was given.
type echoWorld struct {
	mu     sync.Mutex
	echo   string
	header string
}

func (w *echoWorld) say(echo string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.echo = echo
}

func (w *echoWorld) RoundTrip(req *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return &http.Response{
		StatusCode: http.StatusBadRequest, Request: req, Header: http.Header{"X-Echo": {w.header}, "X-Request-Id": {w.header}},
		Body: io.NopCloser(strings.NewReader(`{"message":"seen: ` + w.echo + `"}`)),
	}, nil
}

func memoryClient(t *testing.T, w *echoWorld, key string) *keyfit.Client {
	t.Helper()
	acme := keyfit.Provider{Name: "acme", BaseURL: "https://api.acme.example", Scheme: keyfit.Header("X-Acme-Key")}
	c, err := keyfit.New(acme, keyfit.WithKey(key), keyfit.WithHTTPClient(&http.Client{Transport: w}), keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 1}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// told returns the keys of the list that an error holds, in any of its parts.
func told(err error, keys ...string) []string {
	text := err.Error()
	if api, ok := errors.AsType[*keyfit.APIError](err); ok {
		text += string(api.Body()) + fmt.Sprintf("%+v %v", *api, api.LogValue())
	}
	var found []string
	for _, key := range keys {
		if strings.Contains(text, key) {
			found = append(found, key)
		}
	}
	return found
}

func memoryKey(kind string, n int) string { return fmt.Sprintf("memory-%s-lorem-%06d", kind, n) }

// Whoever of a family is told the key of another member tells it to nobody: the client's own
// key to a tenant's call, the parent's to a derived client and the other way round, one that
// was retired long ago.
func TestCanaryTheKeysOfAFamilyAreNotToldByItsMembers(t *testing.T) {
	t.Parallel()
	w := &echoWorld{}
	parent := memoryClient(t, w, memoryKey("parent", 0))
	var keys []string
	for n := range 6 { // a rotation, a tenant of a call, one of a client, one of a ring, again and again
		keys = append(keys, memoryKey("parent", n), memoryKey("call", n), memoryKey("client", n), memoryKey("ring", n), memoryKey("rotated", n))
		if err := parent.Keys().Rotate(t.Context(), keyfit.APIKey(memoryKey("parent", n))); err != nil {
			t.Fatal(err)
		}
		_, _ = keyfit.Get[any](t.Context(), parent, "/", keyfit.WithKey(memoryKey("call", n)))
		if _, err := parent.With(keyfit.WithKey(memoryKey("client", n))); err != nil {
			t.Fatal(err)
		}
		ring, err := keyfit.NewKeyring(t.Context(), keyfit.Static(keyfit.APIKey(memoryKey("ring", n))))
		if err != nil {
			t.Fatal(err)
		}
		child, err := parent.With(keyfit.WithSource(ring))
		if err != nil {
			t.Fatal(err)
		}
		if err := ring.Rotate(t.Context(), keyfit.APIKey(memoryKey("rotated", n))); err != nil {
			t.Fatal(err)
		}
		_, _ = keyfit.Get[any](t.Context(), child, "/")
		runtime.KeepAlive(ring)
	}
	child, err := parent.With(keyfit.WithKey(memoryKey("child", 0)))
	if err != nil {
		t.Fatal(err)
	}
	keys = append(keys, memoryKey("child", 0))
	for _, form := range []string{"raw", "percent-encoded query", "JSON", "HTML", "JSON, every byte"} {
		encode := canaryEncodings()[form]
		var echo strings.Builder
		for _, key := range keys {
			echo.WriteString(encode(key) + " ")
		}
		w.say(strings.ReplaceAll(canaryJSON(echo.String()), `"`, ""))
		w.header = encode(memoryKey("parent", 1))
		for name, call := range map[string]func() error{
			"parent": func() error { _, err := keyfit.Get[any](t.Context(), parent, "/"); return err },
			"child":  func() error { _, err := keyfit.Get[any](t.Context(), child, "/"); return err },
			"tenant": func() error {
				_, err := keyfit.Get[any](t.Context(), parent, "/", keyfit.WithKey(memoryKey("call", 3)))
				return err
			},
		} {
			err := call()
			if got := told(err, keys...); len(got) > 0 {
				t.Errorf("%s, %s: tells %d keys, such as %s", name, form, len(got), got[0])
			}
			if !strings.Contains(err.Error(), "[redacted]") {
				t.Errorf("%s, %s: nothing was echoed: %v", name, form, err)
			}
		}
	}
}

// A thousand rotations within a moment: the documented time counts, not a number of swaps.
func TestCanaryAThousandRetiredKeysAreNotTold(t *testing.T) {
	t.Parallel()
	w := &echoWorld{}
	c := memoryClient(t, w, memoryKey("swap", 0))
	var keys []string
	for n := range 1000 {
		if n%50 == 0 {
			keys = append(keys, memoryKey("swap", n))
		}
		if err := c.Keys().Rotate(t.Context(), keyfit.APIKey(memoryKey("swap", n+1))); err != nil {
			t.Fatal(err)
		}
	}
	w.say(strings.Join(keys, " "))
	_, err := keyfit.Get[any](t.Context(), c, "/")
	if got := told(err, keys...); len(got) > 0 {
		t.Errorf("%d keys are told, such as %s", len(got), got[0])
	}
}

// What no ring holds is forgotten in the end: many tenants of calls leave the last thousand. What a ring holds is never forgotten.
func TestTheMemoryForKeysIsBounded(t *testing.T) {
	t.Parallel()
	w := &echoWorld{}
	c := memoryClient(t, w, memoryKey("own", 0))
	const tenants = 1_400
	for n := range tenants {
		_, _ = keyfit.Get[any](t.Context(), c, "/", keyfit.WithKey(memoryKey("tenant", n)))
	}
	w.say(strings.Join([]string{memoryKey("own", 0), memoryKey("tenant", tenants-1), memoryKey("tenant", tenants-700), memoryKey("tenant", 0)}, " "))
	_, err := keyfit.Get[any](t.Context(), c, "/")
	if got := told(err, memoryKey("own", 0), memoryKey("tenant", tenants-1), memoryKey("tenant", tenants-700)); len(got) > 0 {
		t.Errorf("told: %v", got)
	}
	if got := told(err, memoryKey("tenant", 0)); len(got) == 0 {
		t.Error("the first tenant's key is still known: the memory is not bounded")
	}
}

// An error costs a client with thousands of tenants what it costs one with a few: only the
// rings that have changed are read.
func TestAnErrorCostsTheSameWithManyTenants(t *testing.T) {
	t.Parallel()
	if raceDetector {
		t.Skip("the race detector takes time by other rules")
	}
	cost := func(tenants int) time.Duration {
		c := memoryClient(t, &echoWorld{}, memoryKey("many", 0))
		derived := make([]*keyfit.Client, tenants)
		for n := range derived {
			var err error
			if derived[n], err = c.With(keyfit.WithKey(memoryKey("many", n+1))); err != nil {
				t.Fatal(err)
			}
		}
		best := time.Hour
		for range 100 {
			begin := time.Now()
			_, _ = keyfit.Get[any](t.Context(), c, "/")
			best = min(best, time.Since(begin))
		}
		runtime.KeepAlive(derived)
		return best
	}
	if few, many := cost(10), cost(2000); many > 5*few {
		t.Errorf("an error takes %s with 2,000 tenants, and %s with 10", many, few)
	}
}

// A retired key is known for an hour at least, and with few of them for longer.
func TestCanaryAKeyRetiredWithinTheHourIsNotTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &echoWorld{}
		c := memoryClient(t, w, memoryKey("day", 0))
		var keys []string
		for n := range 59 { // one a minute
			keys = append(keys, memoryKey("day", n))
			if err := c.Keys().Rotate(t.Context(), keyfit.APIKey(memoryKey("day", n+1))); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute) //nolint:forbidigo // fake time
		}
		w.say(strings.Join(keys, " "))
		_, err := keyfit.Get[any](t.Context(), c, "/")
		if got := told(err, keys...); len(got) > 0 {
			t.Errorf("told: %v", got)
		}
	})
}
