// Anyapi shows an API of one's own, in the mock and in the SDK: acme.yaml describes it for the
// mock, acme.go for the SDK. It goes from the first call to a wrong key, a missing scope, a
// limit, a rotation with overlap, and a bad day.
//
// It needs no network and no account. It exits with status 0 only if every check passed.
package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/mockserver/apifile"
)

//go:embed acme.yaml
var description []byte

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
	key    mockserver.Issued // the one in the file
	failed int
}

// run runs every part.
func run(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	described, err := apifile.Parse("acme.yaml", description)
	if err != nil {
		return err
	}
	mock, err := mockserver.Start(ctx, mockserver.WithAPI(described.API))
	if err != nil {
		return err
	}
	defer func() { _ = mock.Close() }()
	dir, err := os.MkdirTemp("", "keyfit-anyapi-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	w := &world{out: out, mock: mock, dotenv: filepath.Join(dir, ".env")}
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
	w.key = key
	next := w.dotenv + ".next"
	if err := os.WriteFile(next, []byte("ACME_API_KEY="+key.Secret.Reveal()+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(next, w.dotenv)
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

// badDay is an outage, then a storm of 429, then a key that is withdrawn without notice.
func (w *world) badDay(ctx context.Context) error {
	acme := mockserver.Match{Provider: "acme"}
	for _, trouble := range []struct {
		name  string
		fault mockserver.Fault
		times int
	}{
		{"an outage of two requests", mockserver.Status(503, "down"), 2},
		{"a storm of 429", mockserver.Throttle(100 * time.Millisecond), 2},
	} {
		injected := w.mock.Inject(acme, trouble.fault, mockserver.First(trouble.times))
		_, err := items(ctx, w.client)
		injected.Remove()
		w.check(err == nil, "bad day: %s: the call waited and came through", trouble.name)
	}
	withdrawn := w.key
	if err := w.hand(w.mock.Keys().Issue("acme")); err != nil {
		return err
	}
	if err := w.mock.Keys().Revoke(withdrawn.ID, "it leaked"); err != nil {
		return err
	}
	_, err := items(ctx, w.client)
	w.check(err == nil, "bad day: the key is withdrawn: the client read its .env again and went on")
	return nil
}
