package keyfit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
)

// startMock starts a mock of the five providers for an example. It removes the providers'
// variables from the process environment, so that an example uses only its own key.
func startMock() *mockserver.Server {
	for _, p := range []keyfit.Provider{keyfit.Imin(), keyfit.MindKey(), keyfit.IMKIT(""), keyfit.Optimove(""), keyfit.Iiniit()} {
		for _, name := range []string{p.EnvVar, p.EnvVar + "_FILE", p.EnvURL} {
			_ = os.Unsetenv(name)
		}
	}
	srv, err := mockserver.Start(context.Background(), mockserver.WithoutSampleData())
	if err != nil {
		panic(err)
	}
	return srv
}

// imkitClient returns a client of the mock's IMKIT and the key that it uses.
func imkitClient(srv *mockserver.Server, opts ...keyfit.Option) (*keyfit.Client, mockserver.Issued) {
	key := srv.Keys().Issue(mockserver.IMKIT)
	opts = append(opts, keyfit.WithKey(key.Secret.Reveal()), keyfit.WithBaseURL(srv.BaseURL(mockserver.IMKIT)))
	c, err := keyfit.New(keyfit.IMKIT("your-app"), opts...)
	if err != nil {
		panic(err)
	}
	return c, key
}

// user and users are the response of IMKIT's /admin/clients.
type user struct {
	ID       string `json:"_id"`
	Nickname string `json:"nickname"`
}

type users struct {
	Result struct {
		TotalCount int    `json:"totalCount"`
		Data       []user `json:"data"`
	} `json:"result"`
}

// The key and the base URL of the API are in .env. In a program the file is .env in the
// working directory, which New reads by default.
func ExampleNew() {
	srv := startMock()
	defer srv.Close()
	dir, err := os.MkdirTemp("", "keyfit")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, ".env")
	key := srv.Keys().Issue(mockserver.IMKIT).Secret.Reveal()
	lines := "IMKIT_API_KEY=" + key + "\nIMKIT_BASE_URL=" + srv.BaseURL(mockserver.IMKIT) + "\n"
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		fmt.Println(err)
		return
	}

	c, err := keyfit.New(keyfit.IMKIT("your-app"), keyfit.WithDotEnv(file))
	if err != nil {
		fmt.Println(err)
		return
	}
	page, err := keyfit.Get[users](context.Background(), c, "/admin/clients", keyfit.Param("limit", "50"))
	fmt.Println(page.Result.TotalCount, err)
	// Output: 0 <nil>
}

// Without a key the error lists every place that was tried.
func ExampleNew_noKey() {
	startMock().Close()
	_, err := keyfit.New(keyfit.IMKIT("your-app"), keyfit.WithoutDotEnv())
	fmt.Println(err)
	fmt.Println(errors.Is(err, keyfit.ErrNoKey))
	// Output:
	// imkit: no key: environment variable IMKIT_API_KEY: not set
	// true
}

// A sixth API is one composite literal in the caller's own code.
func ExampleProvider() {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"account": "lorem", "sawKey": %t}`, r.Header.Get("X-Acme-Key") == "example-key")
	}))
	defer api.Close()

	acme := keyfit.Provider{
		Name:    "acme",
		BaseURL: api.URL, // https://api.acme.example
		Scheme:  keyfit.Header("X-Acme-Key"),
		EnvVar:  "ACME_API_KEY",
		Limit:   keyfit.Limit{Requests: 100, Per: time.Minute},
	}
	c, err := keyfit.New(acme, keyfit.WithKey("example-key"))
	if err != nil {
		fmt.Println(err)
		return
	}
	me, err := keyfit.Get[struct {
		Account string
		SawKey  bool
	}](context.Background(), c, "/me")
	fmt.Printf("%+v %v\n", me, err)
	// Output: {Account:lorem SawKey:true} <nil>
}

func ExampleGet() {
	srv := startMock()
	defer srv.Close()
	c, _ := imkitClient(srv)

	var meta keyfit.Response
	page, err := keyfit.Get[users](context.Background(), c, "/admin/clients", keyfit.Param("limit", "50"), keyfit.WithResponse(&meta))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(page.Result.Data), "users, status", meta.StatusCode, "after", meta.Attempts, "attempt")
	// Output: 0 users, status 200 after 1 attempt
}

func ExampleSend() {
	srv := startMock()
	defer srv.Close()
	c, _ := imkitClient(srv)

	body := map[string]any{"_id": "user001", "nickname": "Alice", "issueAccessToken": true}
	made, err := keyfit.Send[struct {
		Result struct {
			ID    string `json:"_id"`
			Token string `json:"token"`
		} `json:"result"`
	}](context.Background(), c, http.MethodPost, "/admin/clients", body)
	fmt.Println(made.Result.ID, made.Result.Token != "", err)
	// Output: user001 true <nil>
}

func ExamplePages() {
	srv := startMock()
	defer srv.Close()
	c, _ := imkitClient(srv)
	ctx := context.Background()
	for _, name := range []string{"Ada", "Bo", "Cleo"} {
		if _, err := keyfit.Send[struct{}](ctx, c, http.MethodPost, "/admin/clients", map[string]any{"_id": name, "nickname": name}); err != nil {
			fmt.Println(err)
			return
		}
	}

	seen := 0
	next := func(page users) string {
		if seen += len(page.Result.Data); seen >= page.Result.TotalCount {
			return "" // the end
		}
		return fmt.Sprintf("/admin/clients?limit=2&skip=%d", seen)
	}
	for page, err := range keyfit.Pages(ctx, c, "/admin/clients?limit=2", next) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(len(page.Result.Data), "of", page.Result.TotalCount)
	}
	// Output:
	// 2 of 3
	// 1 of 3
}

// A refusal is a Go type; errors.As finds the four of them and the base of each.
func ExampleAPIError() {
	srv := startMock()
	defer srv.Close()
	c, key := imkitClient(srv)
	call := func() error {
		_, err := keyfit.Get[users](context.Background(), c, "/admin/clients")
		return err
	}
	explain := func(err error) {
		var missing *keyfit.MissingKeyError
		var invalid *keyfit.InvalidKeyError
		var limited *keyfit.RateLimitError
		var permission *keyfit.PermissionError
		var other *keyfit.APIError
		switch {
		case errors.As(err, &missing):
			fmt.Println("something took the key off the request:", missing.Code)
		case errors.As(err, &invalid):
			fmt.Println("the key is refused:", invalid.Message)
		case errors.As(err, &limited):
			fmt.Println("too early:", limited.RetryAfter)
		case errors.As(err, &permission):
			fmt.Println("the key may not do this:", permission.Message)
		case errors.As(err, &other):
			fmt.Println("refused:", other.StatusCode, errors.Is(err, keyfit.ErrNotFound))
		}
	}

	srv.Inject(mockserver.Match{}, mockserver.Status(http.StatusForbidden, `{"error": "INSUFFICIENT_PERMISSIONS", "message": "API key does not have permission for this operation"}`), mockserver.First(1))
	explain(call())
	_, err := keyfit.Get[users](context.Background(), c, "/admin/nowhere")
	explain(err)
	if err := srv.Keys().Revoke(key.ID, "leaked"); err != nil {
		fmt.Println(err)
	}
	explain(call())
	// Output:
	// the key may not do this: API key does not have permission for this operation
	// refused: 404 true
	// the key is refused: The provided API key is invalid or expired
}

// A limit that leaves no room before the deadline is an error at once, so that the program
// can do the work later instead of sleeping in the call.
func ExampleRateLimitError() {
	srv := startMock()
	defer srv.Close()
	srv.Clock().Freeze(time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC))
	srv.Limit(mockserver.IMKIT, mockserver.Limit{Requests: 1, Per: time.Minute})
	c, _ := imkitClient(srv)

	schedule := func(after time.Duration) { fmt.Println("again in", after) }
	for range 2 {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		_, err := keyfit.Get[users](ctx, c, "/admin/clients")
		cancel()
		if limited, ok := errors.AsType[*keyfit.RateLimitError](err); ok {
			schedule(limited.RetryAfter.Round(time.Second))
			fmt.Println(errors.Is(err, context.DeadlineExceeded), limited.Code)
		}
	}
	// Output:
	// again in 1m0s
	// true RATE_LIMIT_EXCEEDED
}

// Rotate changes the key of a running client. Verify tests the new key with the provider's
// cheapest call first; GracePeriod keeps the old key usable for calls that the provider
// refuses with the new one.
func ExampleKeyring_Rotate() {
	srv := startMock()
	defer srv.Close()
	c, key := imkitClient(srv)
	ctx := context.Background()

	wrong := keyfit.APIKey("not-a-key-of-this-account")
	if err := c.Keys().Rotate(ctx, wrong, keyfit.Verify(c.Probe)); err != nil {
		fmt.Println("the old key stays:", errors.Is(err, keyfit.ErrUnauthorized))
	}

	next, err := srv.Keys().Rotate(key.ID, time.Minute) // at the provider
	if err != nil {
		fmt.Println(err)
		return
	}
	err = c.Keys().Rotate(ctx, keyfit.APIKey(next.Secret.Reveal()), keyfit.Verify(c.Probe), keyfit.GracePeriod(time.Minute))
	status := c.Keys().Status()
	fmt.Println(err, "generation", status.Current.Generation, "previous held:", status.Previous != nil)
	// Output:
	// the old key stays: true
	// <nil> generation 2 previous held: true
}

// Watch follows a mounted secret, a .env or any other Source; the program is not restarted.
func ExampleKeyring_Watch() {
	srv := startMock()
	defer srv.Close()
	first := srv.Keys().Issue(mockserver.IMKIT)
	dir, err := os.MkdirTemp("", "keyfit")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "imkit-key")
	if err := os.WriteFile(file, []byte(first.Secret.Reveal()), 0o600); err != nil {
		fmt.Println(err)
		return
	}

	promoted := make(chan uint64, 2)
	c, err := keyfit.New(keyfit.IMKIT("your-app"), keyfit.WithBaseURL(srv.BaseURL(mockserver.IMKIT)),
		keyfit.WithSource(keyfit.File(file)),
		keyfit.WithHooks(keyfit.Hooks{Key: func(e keyfit.KeyEvent) {
			if e.Kind == keyfit.KeyPromoted {
				promoted <- e.Generation
			}
		}}))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { _ = c.Keys().Watch(ctx, 10*time.Millisecond) }() // in a program every 10 s or so
	fmt.Println("generation", <-promoted)

	second, err := srv.Keys().Rotate(first.ID, time.Minute)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := os.WriteFile(file, []byte(second.Secret.Reveal()), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("generation", <-promoted)
	_, err = keyfit.Get[users](ctx, c, "/admin/clients")
	fmt.Println(err)
	// Output:
	// generation 1
	// generation 2
	// <nil>
}

// A middleware wraps the connection pool and runs once for each attempt. OpenTelemetry's
// transport fits here as it is, and keyfit does not depend on it:
//
//	keyfit.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
//		return otelhttp.NewTransport(next)
//	})
func ExampleWithMiddleware() {
	srv := startMock()
	defer srv.Close()
	trace := func(next http.RoundTripper) http.RoundTripper {
		return roundTripFunc(func(req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil {
				fmt.Println("span:", req.Method, req.URL.Path, resp.StatusCode)
			}
			return resp, err
		})
	}
	c, _ := imkitClient(srv, keyfit.WithMiddleware(trace), keyfit.WithRetry(keyfit.RetryPolicy{MinBackoff: time.Millisecond}))

	srv.Inject(mockserver.Match{}, mockserver.Status(http.StatusBadGateway, ""), mockserver.First(1))
	_, err := keyfit.Get[users](context.Background(), c, "/admin/clients")
	fmt.Println(err)
	// Output:
	// span: GET /admin/clients 502
	// span: GET /admin/clients 200
	// <nil>
}

// connections stands for a client generated from an OpenAPI description: it needs an
// http.Client and a base URL, and knows nothing of keys.
type connections struct {
	HTTP    *http.Client
	BaseURL string
}

func (g connections) Status(ctx context.Context) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.BaseURL+"/admin/connection-count", http.NoBody)
	if err != nil {
		return 0, err
	}
	resp, err := g.HTTP.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	return resp.StatusCode, keyfit.CheckResponse(resp)
}

// Keys, limits and retries for a client that another program generated.
func ExampleClient_HTTPClient() {
	srv := startMock()
	defer srv.Close()
	c, key := imkitClient(srv)

	generated := connections{HTTP: c.HTTPClient(), BaseURL: srv.BaseURL(mockserver.IMKIT)}
	fmt.Println(generated.Status(context.Background()))

	if err := srv.Keys().Revoke(key.ID, "leaked"); err != nil {
		fmt.Println(err)
	}
	status, err := generated.Status(context.Background())
	fmt.Println(status, errors.Is(err, keyfit.ErrUnauthorized))
	// Output:
	// 200 <nil>
	// 401 true
}

// Hooks receive every attempt, wait and key event, without key, query and body.
func ExampleWithHooks() {
	srv := startMock()
	defer srv.Close()
	c, key := imkitClient(srv, keyfit.WithHooks(keyfit.Hooks{
		Attempt: func(_ context.Context, e keyfit.AttemptEvent) {
			fmt.Println(e.Method, e.Path, e.StatusCode, "with generation", e.Generation)
		},
		Key: func(e keyfit.KeyEvent) { fmt.Println(e.Kind, e.Generation) },
	}))
	next, err := srv.Keys().Rotate(key.ID, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := c.Keys().Rotate(context.Background(), keyfit.APIKey(next.Secret.Reveal())); err != nil {
		fmt.Println(err)
		return
	}
	_, err = keyfit.Get[users](context.Background(), c, "/admin/clients", keyfit.Param("limit", "50"))
	fmt.Println(err)
	// Output:
	// key.promoted 1
	// key.promoted 2
	// GET /admin/clients 200 with generation 2
	// <nil>
}
