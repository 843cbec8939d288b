package drift

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strings"

	"github.com/keyfit/keyfit/internal/redact"
)

// Answer is what an API answered, with the key and what differs each time taken out.
type Answer struct {
	Status      int      `json:"status"`
	ContentType string   `json:"contentType,omitempty"`
	Challenge   string   `json:"challenge,omitempty"` // WWW-Authenticate
	Body        string   `json:"body,omitempty"`      // of a refusal
	Limits      []string `json:"limits,omitempty"`    // names of the headers that tell of a limit
}

// maxBody bounds what is read of an answer: a refusal is short.
const maxBody = 16 << 10

// wire is the transport of one probe. The client above it has put the key on the request, and
// sends it to the API's own address only; the wire changes the credential as the probe says and
// keeps the answer.
type wire struct {
	next   http.RoundTripper
	place  []string // the credential's headers
	probe  *probe
	madeUp http.Header // another credential of the same shape
	sent   *int        // how many requests have gone out, redirects too
	answer *Answer
}

var errNotRead = errors.New("drift reads, and this is no GET")

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet {
		return nil, errNotRead
	}
	out := req.Clone(req.Context())
	secrets := w.secrets(req.Header)
	if w.probe.send != nil {
		w.probe.send(w, out.Header)
	}
	*w.sent++
	resp, err := w.next.RoundTrip(out)
	if err != nil {
		return nil, err //nolint:wrapcheck // the client above redacts it
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	_ = resp.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("the answer breaks off: %w", err)
	}
	w.answer = answerOf(resp, body, redact.New(secrets...))
	resp.Body = http.NoBody
	resp.ContentLength = 0
	return resp, nil
}

// secrets are the credential's values, with and without the word of a scheme.
func (w *wire) secrets(h http.Header) []string {
	var found []string
	for _, name := range w.place {
		for _, value := range h.Values(name) {
			found = append(found, value)
			if _, rest, ok := strings.Cut(value, " "); ok {
				found = append(found, rest)
			}
		}
	}
	return found
}

func answerOf(resp *http.Response, body []byte, clean redact.Redactor) *Answer {
	a := &Answer{Status: resp.StatusCode, Challenge: clean.Text(resp.Header.Get("WWW-Authenticate"))}
	if media, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err == nil {
		a.ContentType = clean.Text(media)
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		a.Body = strings.TrimSpace(clean.Text(string(body)))
	}
	for _, name := range []string{"RateLimit", "RateLimit-Policy", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After"} {
		if resp.Header.Get(name) != "" {
			a.Limits = append(a.Limits, name)
		}
	}
	return a
}

// varying is what differs from one answer to the next: times, numbers of a request.
var varying = regexp.MustCompile(`[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)?|[0-9a-fA-F]{16,}|\d{10,}`)

// alike reports whether two answers say the same to a client.
func (a *Answer) alike(b *Answer) bool {
	if a.Status != b.Status || a.ContentType != b.ContentType {
		return false
	}
	if a.Status < http.StatusMultipleChoices {
		return strings.Join(a.Limits, " ") == strings.Join(b.Limits, " ")
	}
	return varying.ReplaceAllString(a.Body, "*") == varying.ReplaceAllString(b.Body, "*") && a.Challenge == b.Challenge
}
