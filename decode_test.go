package keyfit_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"

	"github.com/keyfit/keyfit"
)

// breaking is a body that breaks off.
type breaking struct{ io.Reader }

func (b breaking) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (breaking) Close() error { return nil }

func TestGetReportsWhatIsWrongWithAGoodAnswer(t *testing.T) {
	t.Parallel()
	const key = "decode-lorem-fitsum"
	for name, test := range map[string]struct {
		status int
		body   string
		length int64
		breaks bool
		want   string
	}{
		"good":                {200, `{"id":1}`, 8, false, "1 <nil>"},
		"longer than it says": {200, `{"id":1}`, 3, false, "1 <nil>"},
		"does not say":        {200, `{"id":1}`, -1, false, "1 <nil>"},
		"no content":          {204, "", 0, false, "0 <nil>"},
		"empty":               {200, "", 0, false, "0 *keyfit.DecodeError: mindkey: GET /things/1: 200 response cannot be decoded: the body is empty, and a Go struct { ID int } was asked for"},
		"broken JSON":         {200, `{"id":`, 6, false, "0 *keyfit.DecodeError: mindkey: GET /things/1: 200 response cannot be decoded: broken JSON at byte 6 of 6"},
		"of another type":     {200, `{"id":"` + key + `"}`, 30, false, "0 *keyfit.DecodeError: mindkey: GET /things/1: 200 response cannot be decoded: field ID: found a JSON string, wanted a Go int"},
		"too large":           {200, `{"id":1` + strings.Repeat(" ", 100) + `}`, 108, false, "0 *keyfit.RequestError: mindkey: GET /things/1: response too large: more than 64 bytes; see WithMaxResponseBytes"},
		"too large, unsaid":   {200, `{"id":1` + strings.Repeat(" ", 100) + `}`, -1, false, "0 *keyfit.RequestError: mindkey: GET /things/1: response too large: more than 64 bytes; see WithMaxResponseBytes"},
		"breaks off":          {200, `{"id":`, 20, true, "0 *keyfit.RequestError: mindkey: GET /things/1: the response broke off: unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var body io.Reader = strings.NewReader(test.body)
			if test.breaks {
				body = breaking{body}
			}
			wire := httpmock.NewMockTransport()
			wire.RegisterResponder(http.MethodGet, "/things/1", func(req *http.Request) (*http.Response, error) {
				return &http.Response{
					StatusCode: test.status, Header: http.Header{"Content-Type": {"application/json"}}, Request: req,
					Body: io.NopCloser(body), ContentLength: test.length,
				}, nil
			})
			c, err := keyfit.New(keyfit.MindKey(),
				keyfit.WithKey(key), keyfit.WithoutDotEnv(), keyfit.WithMaxResponseBytes(64), keyfit.WithMaxAttempts(1), keyfit.WithHTTPClient(&http.Client{Transport: wire}))
			if err != nil {
				t.Fatal(err)
			}
			got, err := keyfit.Get[struct{ ID int }](t.Context(), c, "/things/1?secret="+key)
			line := fmt.Sprintf("%d %v", got.ID, err)
			if err != nil {
				line = fmt.Sprintf("%d %T: %s", got.ID, err, err)
			}
			if d := cmp.Diff(test.want, line); d != "" {
				t.Errorf("Get (-want +got):\n%s", d)
			}
			failed, ok := errors.AsType[*keyfit.RequestError](err)
			if !ok {
				return
			}
			if d := cmp.Diff([]any{1, 200, keyfit.APIKey(key).Fingerprint()}, []any{failed.Attempts, failed.StatusCode, failed.KeyFingerprint}); d != "" {
				t.Errorf("attempts, status, key (-want +got):\n%s", d)
			}
		})
	}
}
