package keyfit_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// The functions below hold the Go blocks of docs/your-own-api.md and docs/paging.md, word for
// word, and run them against a small server; the test at the end compares.

type thing struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// docsServer has what the pages call, below /v1 and, as a gateway, below /acme.
func docsServer(t *testing.T, asked *[]string) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	list := func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("cursor") == "" && r.FormValue("page") == "" {
			w.Header().Set("Link", `</v1/things?page=2>; rel="next"`)
			_, _ = io.WriteString(w, `{"data":[{"id":"1","name":"Lorem"}],"total":2,"next":"?cursor=b","meta":{"next":"b"}}`)
			return
		}
		_, _ = io.WriteString(w, `{"data":[{"id":"2","name":"Fitsum"}],"total":2,"meta":{"next":null}}`)
	}
	for _, at := range []string{"/v1", "/acme"} {
		mux.HandleFunc("GET "+at+"/things", list)
		mux.HandleFunc("POST "+at+"/things", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"id":"1","name":"Lorem"}`) })
		mux.HandleFunc("GET "+at+"/things/1", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"v1"`)
			if r.Header.Get("If-None-Match") == `"v1"` {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			_, _ = io.WriteString(w, `{"id":"1","name":"Lorem"}`)
		})
		mux.HandleFunc("GET "+at+"/rooms", func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprintf(w, `{"result":{"rooms":[{"id":"r%s"}]},"has_more":%t}`, r.FormValue("offset"), r.FormValue("offset") == "")
		})
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.Method+" "+r.URL.RequestURI())
		w.Header().Set("Content-Type", "application/json")
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	return srv
}

func acmeOfDocs() keyfit.Provider {
	acme := keyfit.Provider{
		Name:    "acme",
		BaseURL: "https://api.acme.example/v1",
		Scheme:  keyfit.Bearer(),
		EnvVar:  "ACME_API_KEY",
		EnvURL:  "ACME_BASE_URL",
		Limit:   keyfit.Limit{Requests: 100, Per: time.Minute},
		Probe:   "/me",
	}
	return acme
}

func docsCalls(ctx context.Context, acme keyfit.Provider) error {
	type thing struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	c, err := keyfit.New(acme, keyfit.WithAppName("shop/1.2")) // key: ACME_API_KEY, then .env
	if err != nil {
		return err // names every place where a key was looked for
	}
	made, err := keyfit.Send[thing](ctx, c, http.MethodPost, "/things", thing{Name: "Lorem"})
	if err != nil {
		return err
	}
	got, err := keyfit.Get[thing](ctx, c, "/things/"+url.PathEscape(made.ID))
	if err == nil && got.Name != "Lorem" {
		err = errors.New("another thing")
	}
	for item, err := range keyfit.Items[thing](ctx, c, "/things", keyfit.NextCursor("cursor", "meta.next").In("data"), keyfit.Param("kind", "x")) {
		if err != nil {
			return err
		}
		fmt.Println(item.Name)
	}
	return err
}

func docsNotModified(ctx context.Context, c *keyfit.Client, etag string) error {
	var resp keyfit.Response
	latest, err := keyfit.Get[thing](ctx, c, "/things/1", keyfit.WithIfNoneMatch(etag), keyfit.WithResponse(&resp))
	if errors.Is(err, keyfit.ErrNotModified) {
		return nil // what the program has is current
	}
	etag = resp.Header.Get("ETag")
	if latest.Name != "Lorem" || err != nil {
		return fmt.Errorf("%v %w", latest, err)
	}
	return docsNotModified(ctx, c, etag)
}

func docsClients(acme keyfit.Provider) (clients [3]*keyfit.Client, all error) {
	reader, err := keyfit.New(acme, keyfit.AllowOperations("GET /things", "GET /things/{id}", "POST /things/{id}/…"))
	all = errors.Join(all, err)
	viaGateway, err := keyfit.New(acme, keyfit.WithBaseURL("https://gateway.example/acme"))
	all = errors.Join(all, err)
	web, err := keyfit.New(acme, keyfit.WithEnvPrefix("ACME_WEB"))
	return [3]*keyfit.Client{reader, viaGateway, web}, errors.Join(all, err)
}

type signing struct{}

func (signing) Apply(req *http.Request, c keyfit.Credential) error {
	digest, err := keyfit.BodySHA256(req)
	if err != nil {
		return err
	}
	date := time.Now().UTC().Format(http.TimeFormat)
	mac := hmac.New(sha256.New, []byte(c.Key.Reveal()))
	fmt.Fprintf(mac, "%s\n%s\n%s\n%x", req.Method, req.URL.RequestURI(), date, digest)
	req.Header.Set("Date", date)
	req.Header.Set("Authorization", fmt.Sprintf("HMAC %s:%x", c.ID.Reveal(), mac.Sum(nil)))
	return nil
}

func docsTest(ctx context.Context, acme keyfit.Provider) error {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer lorem-fitsum" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"id":"1","name":"Lorem"}`)
	}))
	defer srv.Close()
	tested, err := keyfit.New(acme, keyfit.WithBaseURL(srv.URL), keyfit.WithKey("lorem-fitsum"))
	if err != nil {
		return err
	}
	_, err = keyfit.Get[thing](ctx, tested, "/things/1")
	return err
}

func docsLists(ctx context.Context, c *keyfit.Client) error {
	for item, err := range keyfit.Items[thing](ctx, c, "/things", keyfit.LinkHeader(), keyfit.Param("kind", "x")) {
		if err != nil {
			return err
		}
		fmt.Println(item.Name)
	}
	rooms := keyfit.Items[thing](ctx, c, "/rooms", keyfit.Offset("offset").In("result.rooms").More("has_more"))
	for _, err := range rooms {
		if err != nil {
			return err
		}
	}
	return docsPages(ctx, c)
}

func docsPages(ctx context.Context, c *keyfit.Client) error {
	type page struct {
		Total int     `json:"total"`
		Data  []thing `json:"data"`
		Next  string  `json:"next"`
	}
	for p, err := range keyfit.Pages(ctx, c, "/things", func(p page) string { return p.Next }) {
		if err != nil {
			return err
		}
		fmt.Println(len(p.Data), "of", p.Total)
	}
	return nil
}

func TestThePagesAboutYourOwnAPIWork(t *testing.T) {
	t.Setenv("ACME_API_KEY", "docs-lorem-fitsum")
	t.Setenv("ACME_WEB_API_KEY", "docs-web-lorem-fitsum")
	var asked []string
	srv := docsServer(t, &asked)
	acme := acmeOfDocs()
	acme.BaseURL = srv.URL + "/v1"
	ctx := t.Context()
	if err := docsCalls(ctx, acme); err != nil {
		t.Error(err)
	}
	clients, err := docsClients(acme)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(docsNotModified(ctx, clients[0], ""), docsTest(ctx, acme), docsLists(ctx, clients[2])); err != nil {
		t.Error(err)
	}
	if _, err := keyfit.Send[thing](ctx, clients[0], http.MethodPost, "/things", 1); !errors.Is(err, keyfit.ErrNotAllowed) {
		t.Error(err)
	}
	if got := clients[1].BaseURL(); got != "https://gateway.example/acme" {
		t.Error(got)
	}
	want := []string{
		"POST /v1/things", "GET /v1/things/1", "GET /v1/things?kind=x", "GET /v1/things?cursor=b&kind=x",
		"GET /v1/things/1", "GET /v1/things/1", "GET /v1/things?kind=x", "GET /v1/things?page=2",
		"GET /v1/rooms", "GET /v1/rooms?offset=1", "GET /v1/things", "GET /v1/things?cursor=b",
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	req := httptest.NewRequest(http.MethodPost, "https://api.acme.example/v1/x?y=1", strings.NewReader("body"))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("body")), nil }
	if err := (signing{}).Apply(req, keyfit.KeyPair("shop", "secret")); err != nil || len(req.Header.Get("Authorization")) != len("HMAC shop:")+hex.EncodedLen(sha256.Size) {
		t.Errorf("%v %v", req.Header, err)
	}
}

func TestEveryGoBlockOfThePagesAboutYourOwnAPIIsTested(t *testing.T) {
	t.Parallel()
	compiled, err := os.ReadFile("docs_test.go")
	if err != nil {
		t.Fatal(err)
	}
	normal := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	for page, atLeast := range map[string]int{"docs/your-own-api.md": 8, "docs/paging.md": 3} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(text), -1)
		if len(blocks) < atLeast {
			t.Errorf("%s has %d Go blocks, want at least %d: is the pattern right?", page, len(blocks), atLeast)
		}
		for _, block := range blocks {
			if !strings.Contains(normal(string(compiled)), normal(block[1])) {
				t.Errorf("this block of %s is not in docs_test.go, so nothing runs it:\n%s", page, block[1])
			}
		}
	}
}
