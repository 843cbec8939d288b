package mockserver_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode"

	"github.com/keyfit/keyfit/mockserver"
)

// TestNoPathOfAClientSteersTheTerminalOfALog: the log, and a request in the log of a test, are
// read at a terminal.
func TestNoPathOfAClientSteersTheTerminalOfALog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	srv, err := mockserver.NewHandler(mockserver.WithLogger(slog.New(slog.NewJSONHandler(&log, nil))))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = srv.Close() }()
	for _, p := range mockserver.Providers() {
		r := newRequest(t, p, http.MethodGet, "/x", "")
		r.URL = &url.URL{Scheme: "http", Host: r.URL.Host, Path: "/\x1b]0;pwned\a\x1b[31mRED\nFAKE\r\u009b\u202e\x7f\"ä→\""}
		call(t, srv.Transport(), r)
	}
	text := log.String()
	for _, ex := range srv.Requests(mockserver.Match{}) {
		text += ex.String() + "\n"
		if !strings.Contains(ex.String(), `/%1B%5D0;pwned%07%1B%5B31mRED%0AFAKE%0D%C2%9B%E2%80%AE%7F%22%C3%A4%E2%86%92%22`) {
			t.Errorf("%q", ex.String())
		}
	}
	for _, c := range text {
		if c != '\n' && !unicode.IsPrint(c) {
			t.Fatalf("%q is in the log: %q", c, text)
		}
	}
}
