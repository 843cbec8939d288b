package awssm_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/source/awssm"
)

// A service or proxy echoes the request; no secret may appear in any output.
func TestNoSecretIsToldByErrorsLogsOrPrinters(t *testing.T) {
	t.Parallel()
	const key = "CANARYKEYCANARY"
	const all = accessKey + " " + awsSecretKey + " " + sessionToken + " " + key
	say := func(code string) string {
		raw, _ := json.Marshal(map[string]string{"__type": code, "message": all})
		return string(raw)
	}
	value := func(text string) string {
		raw, _ := json.Marshal(map[string]string{"SecretString": text, "VersionId": "v1", "Name": "app"})
		return string(raw)
	}
	answers := []struct {
		status int
		body   string
	}{
		{400, say("ResourceNotFoundException")},
		{400, say("InvalidSignatureException")},
		{400, say("AccessDeniedException")},
		{400, say("ThrottlingException")},
		{400, say(key)},
		{500, say("InternalServiceError")},
		{503, "<html>" + all},
		{200, all},
		{200, `{"SecretString":17,"VersionId":"` + all + `"}`},
		{200, value(key)},
		{200, value(`{"` + key + `":"` + key + `"}`)},
		{200, value(`{"key":{"nested":"` + key + `"}}`)},
		{200, value(`{"key":"` + key + `","not_after":"` + key + `"}`)},
		{200, value(`{"key":"` + key + `"}`)},
	}
	for i, answer := range answers {
		for _, field := range []string{"", "key"} {
			t.Run(fmt.Sprint(i, field), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { // fake time skips the waits between retries
					transport := inProcess{http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
						w.Header().Set("X-Amzn-Requestid", key)
						w.WriteHeader(answer.status)
						_, _ = io.WriteString(w, answer.body)
					})}
					cfg := awssm.Config{Field: field, Timeout: 5 * time.Minute}
					src := newSource(t, newClient(transport), cfg)
					offer, err := src.Versions(t.Context())
					_, err2 := keyfit.NewKeyring(t.Context(), src)
					type holder struct {
						src *awssm.Source
						Src *awssm.Source
						Off keyfit.Versions
					}
					h := holder{src, src, offer}
					for _, value := range []any{err, err2, src, offer, h, &h} {
						for form, text := range printed(value) {
							for _, part := range []string{"CANARY", "canary"} {
								if at := strings.Index(text, part); at >= 0 {
									t.Fatalf("%s of %T leaks a secret: …%s…", form, value, text[max(0, at-60):min(len(text), at+40)])
								}
							}
						}
					}
				})
			})
		}
	}
}

type inProcess struct{ http.Handler }

func (h inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	resp := rec.Result()
	resp.Request = r
	return resp, nil
}

// printed returns all printed forms of a value and of the errors it wraps.
func printed(value any) map[string]string {
	forms := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		forms[verb] = fmt.Sprintf(verb, value)
	}
	raw, _ := json.Marshal(value)
	forms["JSON"] = string(raw)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "value", value)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "value", value)
	forms["slog"] = log.String()
	if err, ok := value.(error); ok && err != nil {
		var under []error
		switch u := err.(type) { //nolint:errorlint // inspects every layer
		case interface{ Unwrap() []error }:
			under = u.Unwrap()
		default:
			if inner := errors.Unwrap(err); inner != nil {
				under = []error{inner}
			}
		}
		for i, inner := range under {
			for form, text := range printed(inner) {
				forms[fmt.Sprint(form, " under ", i)] = text
			}
		}
	}
	return forms
}
