package keyfit

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAShortReadIsTheBodyOrItsBeginning(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 2047, 2048, 2049, 4095, 4096, 5000} {
		text := strings.Repeat("x", size)
		for name, body := range map[string]io.Reader{
			"at once":             strings.NewReader(text),
			"in bytes":            iotest.OneByteReader(strings.NewReader(text)),
			"end at once":         iotest.DataErrReader(strings.NewReader(text)),
			"broken off after it": io.MultiReader(strings.NewReader(text), iotest.ErrReader(errors.New("broken"))),
		} {
			if diff := cmp.Diff(text[:min(size, 4096)], readText(body, 4096)); diff != "" {
				t.Errorf("%d bytes %s (-want +got):\n%s", size, name, diff)
			}
		}
	}
}

// greatestRead notes how much it was asked for at once: that has been allocated.
type greatestRead struct {
	io.Reader
	asked int
}

func (r *greatestRead) Read(p []byte) (int, error) {
	r.asked = max(r.asked, len(p))
	return r.Reader.Read(p)
}

// The limit of an answer is no reason to allocate that much.
func TestAnAnswerCostsItsLengthAndNotItsLimit(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("x", 10<<10)
	for _, d := range []time.Duration{0, time.Minute} {
		body := &greatestRead{Reader: strings.NewReader(text)}
		got, err := readWithin(&http.Response{Body: io.NopCloser(body), ContentLength: -1}, 10<<20, d)
		if diff := cmp.Diff(text, string(got)); err != nil || diff != "" {
			t.Errorf("within %v: %v (-want +got):\n%s", d, err, diff)
		}
		if body.asked > 2*len(text) {
			t.Errorf("within %v: a buffer of %d bytes for an answer of %d", d, body.asked, len(text))
		}
	}
}
