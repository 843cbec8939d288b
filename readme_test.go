package keyfit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/mockserver/apifile"
	"github.com/keyfit/keyfit/mockserver/scenariofile"
	"github.com/keyfit/keyfit/provider/imkit"
)

// The functions below hold the Go blocks of README.md, word for word; the test at the end
// compares. That they compile is the proof, so they are not called.

type readmeUsers struct {
	Result struct {
		Data []struct{ ID, Nickname string }
	}
}

var _ = []any{readmeUse, readmeTyped, readmeSixth, readmeRotate, readmeHold, readmeErrors}

func readmeUse(ctx context.Context) error {
	type users struct {
		Result struct {
			Data []struct {
				ID       string `json:"_id"`
				Nickname string `json:"nickname"`
			} `json:"data"`
		} `json:"result"`
	}
	c, err := keyfit.New(keyfit.IMKIT("your-app")) // key: IMKIT_API_KEY, then .env
	if err != nil {
		return err
	}
	page, err := keyfit.Get[users](ctx, c, "/admin/clients", keyfit.Param("limit", "50"))
	_ = page
	return err
}

func readmeTyped(ctx context.Context) error {
	admin, err := imkit.New("your-app")
	if err != nil {
		return err
	}
	alice, err := admin.Users.Create(ctx, imkit.UserInput{ID: "user001", Nickname: "Alice"})
	for user, err := range admin.Users.All(ctx, imkit.UserQuery{}) { // page after page
		if err != nil {
			return err
		}
		fmt.Println(user.Nickname, user.ID == alice.ID)
	}
	return err
}

func readmeSixth() (*keyfit.Client, error) {
	acme := keyfit.Provider{
		Name:    "acme",
		BaseURL: "https://api.acme.example",
		Scheme:  keyfit.Header("X-Acme-Key"), // or Authorization("Token"), Bearer(), Query("key"), Basic("user"), Cookie("sid"); Pair("X-Id", "X-Secret") with EnvID
		EnvVar:  "ACME_API_KEY",
		Limit:   keyfit.Limit{Requests: 100, Per: time.Minute},
	}
	c, err := keyfit.New(acme)
	return c, err
}

func readmeRotate(ctx context.Context, c *keyfit.Client, next string) (err error) {
	err = c.Keys().Rotate(ctx, keyfit.APIKey(next), keyfit.Verify(c.Probe), keyfit.GracePeriod(time.Minute))

	go c.Keys().Watch(ctx, 10*time.Second) // or: follow the .env, the mounted file, your own Source
	return err
}

func readmeHold() (*keyfit.Client, error) {
	c, err := keyfit.New(keyfit.MindKey(), keyfit.HoldCalls(30*time.Second, 0))
	return c, err
}

func readmeErrors(ctx context.Context, c *keyfit.Client, tryAgainIn func(time.Duration) error, alertOperator func(error) error) (err error) {
	type users = readmeUsers
	_, err = keyfit.Get[users](ctx, c, "/admin/clients")
	if limited, ok := errors.AsType[*keyfit.RateLimitError](err); ok {
		return tryAgainIn(limited.RetryAfter) // and what the provider said: limited.Code, limited.Message
	}
	if errors.Is(err, keyfit.ErrUnauthorized) {
		return alertOperator(err)
	}
	return err
}

func TestReadmeMock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // one clock for the client and the mock
		mock := mockserver.New(t)
		key := mock.Keys().Issue(mockserver.IMKIT, mockserver.LimitTo(mockserver.Limit{Requests: 2, Per: time.Minute}))
		c, err := keyfit.New(keyfit.IMKIT(""), keyfit.WithKey(key.Secret.Reveal()), keyfit.WithBaseURL("https://imkit.localhost"),
			keyfit.WithHTTPClient(&http.Client{Transport: mock.Transport()}))
		if err != nil {
			t.Fatal(err)
		}
		for range 3 { // the third waits for the window, which takes no time
			if _, err := keyfit.Get[any](t.Context(), c, "/admin/connection-count"); err != nil {
				t.Error(err)
			}
		}
		if err := mock.Keys().Revoke(key.ID, ""); err != nil { // from here on 401 INVALID_API_KEY
			t.Error(err)
		}
		mock.Expect(t, mockserver.Match{KeyID: key.ID, Outcome: mockserver.OK}, 3)
	})
}

func TestReadmeAnyAPI(t *testing.T) { // the working directory is one for all
	t.Chdir("examples/anyapi")
	acme, err := apifile.Load("acme.yaml") // or: keyfit mock --api acme.yaml; keyfit run --api acme.yaml -- npm test
	if err != nil {
		t.Fatal(err)
	}
	day, err := scenariofile.Load("bad-day.yaml") // a rotation, a storm of 429, an outage, a leak
	if err != nil {
		t.Fatal(err)
	}
	mock := mockserver.New(t, mockserver.WithAPI(acme.API), mockserver.WithRequestCheck("acme", acme.Check))
	key := mock.Keys().Issue("acme")
	playing, err := mock.Play(day)
	if err != nil || key.Provider != "acme" || len(playing.Status().Next) == 0 {
		t.Errorf("%v: %+v", err, key)
	}
}

// TestEveryFileOfThePagesIsOfTheExample holds that what README.md and docs/anyapi.md print of
// examples/anyapi stands there, line for line, in this order.
func TestEveryFileOfThePagesIsOfTheExample(t *testing.T) {
	t.Parallel()
	for page, want := range map[string]int{"README.md": 1, "docs/anyapi.md": 3} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
			if page == "README.md" || inOrder(block[1], "examples/anyapi/acme.openapi.yaml", "examples/anyapi/acme.yaml", "examples/anyapi/bad-day.yaml") {
				found++
			}
		}
		if found != want || page == "README.md" && !inOrder(exampleOf(string(text)), "examples/anyapi/acme.yaml") {
			t.Errorf("%s prints %d of the example's files, want %d", page, found, want)
		}
	}
}

// exampleOf is the first YAML of a page.
func exampleOf(page string) string {
	_, rest, _ := strings.Cut(page, "```yaml\n")
	block, _, _ := strings.Cut(rest, "```")
	return block
}

// inOrder reports whether one of the files has the lines of a block, in this order.
func inOrder(block string, files ...string) bool {
	return slices.ContainsFunc(files, func(name string) bool {
		text, _ := os.ReadFile(name) // a file that is not there has no lines
		rest := strings.Split(string(text), "\n")
		for line := range strings.SplitSeq(strings.TrimSpace(block), "\n") {
			i := slices.Index(rest, line)
			if i < 0 {
				return false
			}
			rest = rest[i+1:]
		}
		return true
	})
}

func TestEveryGoBlockOfTheReadmeCompiles(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := os.ReadFile("readme_test.go")
	if err != nil {
		t.Fatal(err)
	}
	normal := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	if len(blocks) < 5 {
		t.Fatalf("found %d Go blocks in README.md, want at least 5: is the pattern right?", len(blocks))
	}
	for _, block := range blocks {
		if !strings.Contains(normal(string(compiled)), normal(block[1])) {
			t.Errorf("this block of README.md is not in readme_test.go, so nothing compiles it:\n%s", block[1])
		}
	}
}
