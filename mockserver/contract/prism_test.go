package contract_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/mockserver/apifile"
)

// prism starts Stoplight's Prism as a proxy that holds requests and answers against a document,
// and answers itself where they do not fit. The test is skipped where npm cannot install it.
func prism(t *testing.T, document, upstream string) (address string) {
	t.Helper()
	dir := installed(t, "@stoplight/prism-cli@5")
	free, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = free.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	document, err = filepath.Abs(document)
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "node_modules", ".bin", "prism"), "proxy", "--errors", "--host", "127.0.0.1", "--port", port, document, upstream) //nolint:gosec // installed by this test
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = dir, &said, &said, 5*time.Second
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // t.Context ends it before
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for { // until it listens
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			_ = conn.Close()
			return "http://" + address
		}
		if ctx.Err() != nil {
			t.Fatalf("prism does not listen: %v", err)
		}
		time.Sleep(100 * time.Millisecond) //nolint:forbidigo // another program starts; there is nothing to wait for
	}
}

// TestAValidatingProxyFindsNothingWrongWithAnAPIFromADocument puts Prism in front of an API
// that was read from an OpenAPI document: what the mock answers, refusals included, fits it.
// A wrong answer shows that Prism looks.
func TestAValidatingProxyFindsNothingWrongWithAnAPIFromADocument(t *testing.T) { //nolint:paralleltest // node takes a processor
	const document = "testdata/shop.yaml"
	shop, err := apifile.Load(document)
	if err != nil {
		t.Fatal(err)
	}
	srv := mockserver.New(t, mockserver.WithAPI(shop.API), mockserver.WithFrozenClock(time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)))
	proxy := prism(t, document, srv.BaseURL("shop"))
	key := srv.Keys().Issue("shop")
	const order, uuid = `{"item": "pear", "amount": 3}`, "/orders/7d4c4a0e-4a3e-4a66-9c6e-0d8d0b6f3a11"
	ask := func(request, body, key string) string {
		method, path, _ := strings.Cut(request, " ")
		r, err := http.NewRequestWithContext(t.Context(), method, proxy+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		if key != "" {
			r.Header.Set("X-Shop-Key", key)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		said, _ := io.ReadAll(res.Body)
		if violations := res.Header.Get("Sl-Violations"); violations != "" {
			return violations
		}
		if strings.Contains(string(said), "#VIOLATIONS") {
			return "violations " + string(said)
		}
		return res.Status
	}
	good := key.Secret.Reveal()
	var got []string
	for _, tt := range [][3]string{
		{"GET /health", "", ""},
		{"GET /orders", "", good}, {"GET /orders?limit=5&state=open", "", good}, {"POST /orders", order, good}, {"GET " + uuid, "", good}, {"DELETE " + uuid, "", good},
		{"GET " + uuid, "", "not-a-key-of-this-mock"}, {"POST /orders", order, "sk_live_of_somebody"},
		{"GET /orders", "", good}, {"GET /orders", "", good}, {"POST /orders", order, good},
	} {
		got = append(got, ask(tt[0], tt[1], tt[2]))
	}
	want := []string{
		"200 OK", "200 OK", "200 OK", "201 Created", "200 OK", "204 No Content",
		"401 Unauthorized", "401 Unauthorized", "200 OK", "429 Too Many Requests", "429 Too Many Requests",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if len(srv.Requests(mockserver.Match{Provider: "shop"})) != len(want) {
		t.Error("not every request came to the mock")
	}
	srv.Handle("shop", "GET /orders/{id}", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id": 7}`)
	}))
	fresh := srv.Keys().Issue("shop").Secret.Reveal()
	if said := ask("GET "+uuid, "", fresh); !strings.Contains(said, "must") {
		t.Errorf("Prism takes an answer that does not fit the document: %s", said)
	}
}
