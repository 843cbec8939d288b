// Anyapi shows an API of one's own, in the mock and in the SDK. The mock plays
// acme.openapi.yaml, which its vendor publishes, with the keys, limits and errors of
// acme.yaml; acme.go is the API for the SDK. It goes from the first call to a wrong key, a
// missing scope, a limit, a rotation with overlap, and the bad day of bad-day.yaml.
//
// It needs no network and no account. It exits with status 0 only if every check passed.
package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/mockserver/apifile"
	"github.com/keyfit/keyfit/mockserver/scenariofile"
)

//go:embed *.yaml
var files embed.FS

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "anyapi:", err)
		os.Exit(1)
	}
}

// world is the mock with Acme, and a client that reads its key from a .env file.
type world struct {
	out    io.Writer
	mock   *mockserver.Server
	dotenv string
	client *keyfit.Client
	failed int

	mu  sync.Mutex
	key mockserver.Issued // the one in the file
}

// run runs every part.
func run(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	described, err := apifile.LoadFS(files, "acme.yaml")
	if err != nil {
		return err
	}
	w := &world{out: out}
	mock, err := mockserver.Start(ctx, mockserver.WithAPI(described.API), mockserver.WithRequestCheck("acme", described.Check),
		mockserver.WithSuccessors(w.succeed))
	if err != nil {
		return err
	}
	defer func() { _ = mock.Close() }()
	dir, err := os.MkdirTemp("", "keyfit-anyapi-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	w.mock, w.dotenv = mock, filepath.Join(dir, ".env")
	if err := w.hand(mock.Keys().Issue("acme")); err != nil {
		return err
	}
	if w.client, err = keyfit.New(acme(mock.BaseURL("acme")), keyfit.WithDotEnv(w.dotenv)); err != nil {
		return err
	}
	for _, part := range []func(context.Context) error{w.calls, w.refusals, w.limit, w.rotation, w.badDay} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	if w.failed > 0 {
		return fmt.Errorf("%d checks failed; see the lines marked ✗", w.failed)
	}
	return nil
}

// hand writes a key to the .env file.
func (w *world) hand(key mockserver.Issued) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.key = key
	next := w.dotenv + ".next"
	if err := os.WriteFile(next, []byte("ACME_API_KEY="+key.Secret.Reveal()+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(next, w.dotenv)
}

// succeed hands over the key that a step of the bad day has issued. The mock calls it before
// any request sees the rotation.
func (w *world) succeed(next mockserver.Issued) {
	w.mu.Lock()
	mine := next.Replaces == w.key.ID
	w.mu.Unlock()
	if mine {
		_ = w.hand(next) // a failure shows in the next call
	}
}

func (w *world) check(ok bool, format string, args ...any) {
	mark := "✓"
	if !ok {
		mark = "✗"
		w.failed++
	}
	_, _ = fmt.Fprintf(w.out, "%s %s\n", mark, fmt.Sprintf(format, args...))
}

// calls are the first ones.
func (w *world) calls(ctx context.Context) error {
	all, err := items(ctx, w.client)
	w.check(err == nil && len(all) == 3, "200: all pages: %s", strings.Join(all, ", "))
	item, err := order(ctx, w.client, "pear")
	w.check(err == nil && item == "pear", "201: an order for a %s", item)
	_, err = keyfit.Send[any](ctx, w.client, http.MethodPost, "/v1/orders", map[string]int{"item": 3})
	w.check(err != nil, "400: an order that does not fit the document: %s", codeOf(err))
	return nil
}

// refusals are a key that Acme does not know, and one without a scope.
func (w *world) refusals(ctx context.Context) error {
	stranger, err := keyfit.New(acme(w.mock.BaseURL("acme")), keyfit.WithoutDotEnv(), keyfit.WithKey("acme_test_lorem_fitsum"))
	if err != nil {
		return err
	}
	_, err = items(ctx, stranger)
	invalid, ok := errors.AsType[*keyfit.InvalidKeyError](err)
	w.check(ok && invalid.Code == "A-11", "401: %s", codeOf(err))
	reader := w.mock.Keys().Issue("acme", mockserver.Scopes("items:read"))
	narrow, err := keyfit.New(acme(w.mock.BaseURL("acme")), keyfit.WithoutDotEnv(), keyfit.WithKey(reader.Secret.Reveal()))
	if err != nil {
		return err
	}
	_, err = order(ctx, narrow, "pear")
	denied, ok := errors.AsType[*keyfit.PermissionError](err)
	w.check(ok && denied.Code == "A-31", "403: %s", codeOf(err))
	return nil
}

// codeOf is Acme's own code and words.
func codeOf(err error) string {
	if e, ok := errors.AsType[*keyfit.APIError](err); ok {
		return e.Code + " " + e.Message
	}
	return fmt.Sprint(err)
}

// limit sends more than Acme allows in a second: the client waits as the body says.
func (w *world) limit(ctx context.Context) error {
	begin := time.Now()
	for range 8 {
		if _, err := order(ctx, w.client, "apple"); err != nil {
			return err
		}
	}
	refused := w.mock.Counts(mockserver.Match{Provider: "acme", Status: 429}).Total
	w.check(refused > 0 && time.Since(begin) > 500*time.Millisecond, "429: 8 orders, 5 a second allowed: waited, none failed")
	return nil
}

// rotation replaces the key, with an overlap of an hour.
func (w *world) rotation(ctx context.Context) error {
	old := w.key
	next, err := w.mock.Keys().Rotate(old.ID, time.Hour)
	if err != nil {
		return err
	}
	_, err = items(ctx, w.client)
	w.check(err == nil, "rotation: the old key works within the overlap")
	if err := w.hand(next); err != nil {
		return err
	}
	if _, err := w.client.Keys().Reload(ctx); err != nil {
		return err
	}
	w.mock.Clock().Advance(time.Hour)
	_, err = items(ctx, w.client)
	used := w.mock.Counts(mockserver.Match{KeyID: next.ID}).Total
	w.check(err == nil && used > 0, "rotation: an hour later the client works with the new key")
	return nil
}

// badDay plays the day: after each of its steps there is a call.
func (w *world) badDay(ctx context.Context) error {
	text, err := files.ReadFile("bad-day.yaml")
	if err != nil {
		return err
	}
	day, err := scenariofile.Parse("bad-day.yaml", text, "acme")
	if err != nil {
		return err
	}
	playing, err := w.mock.Play(day, "acme")
	if err != nil {
		return err
	}
	for len(playing.Status().Next) > 0 {
		next := playing.Status().Next[0]
		w.mock.Clock().Advance(max(0, next.At.Sub(w.mock.Clock().Now())))
		_, err := items(ctx, w.client)
		w.check(err == nil, "bad day: %s: the call came through", next.Does)
	}
	return nil
}
