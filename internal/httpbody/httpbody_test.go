package httpbody_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/internal/httpbody"
)

func answer(r io.Reader) *http.Response {
	return &http.Response{Body: io.NopCloser(r), ContentLength: -1}
}

func TestAPeekIsTheBodyOrItsBeginningAndLeavesItAsItWas(t *testing.T) {
	t.Parallel()
	const limit = 4096
	for _, size := range []int{0, 1, 2047, 2048, 2049, 4095, 4096, 5000} {
		text := strings.Repeat("x", size)
		broken := errors.New("broken")
		for _, tt := range []struct {
			name string
			body io.Reader
			err  error
		}{
			{"at once", strings.NewReader(text), nil},
			{"in bytes", iotest.OneByteReader(strings.NewReader(text)), nil},
			{"end at once", iotest.DataErrReader(strings.NewReader(text)), nil},
			{"broken off after it", io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)), broken},
		} {
			resp := answer(tt.body)
			if diff := cmp.Diff(text[:min(size, limit)], httpbody.Peek(resp, limit)); diff != "" {
				t.Errorf("%d bytes %s (-want +got):\n%s", size, tt.name, diff)
			}
			if diff := cmp.Diff(text[:min(size, limit)], httpbody.Peek(resp, 1)); diff != "" {
				t.Errorf("%d bytes %s, again (-want +got):\n%s", size, tt.name, diff)
			}
			got, err := io.ReadAll(resp.Body)
			if diff := cmp.Diff(text, string(got)); diff != "" || !errors.Is(err, tt.err) {
				t.Errorf("%d bytes %s, read afterwards: %v (-want +got):\n%s", size, tt.name, err, diff)
			}
		}
	}
	for _, none := range []*http.Response{{}, {Body: http.NoBody}} {
		if got := httpbody.Peek(none, limit); got != "" {
			t.Errorf("%q of no body", got)
		}
	}
}

func TestANoteStaysWithABodyThatWasPeekedAt(t *testing.T) {
	t.Parallel()
	resp := answer(strings.NewReader("x"))
	httpbody.Attach(resp, 1)
	if got := httpbody.Attached(resp); got != nil {
		t.Errorf("without a peek there is a note: %v", got)
	}
	httpbody.Peek(resp, 1)
	if got := httpbody.Attached(resp); got != nil {
		t.Errorf("a note from nowhere: %v", got)
	}
	httpbody.Attach(resp, 2)
	if got := httpbody.Attached(resp); got != 2 {
		t.Errorf("the note is %v, want 2", got)
	}
}

// greatestRead observes how much it was asked for at once: that has been allocated.
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
		r := &greatestRead{Reader: strings.NewReader(text)}
		got, err := httpbody.Read(answer(r), 10<<20, httpbody.Bound{Stall: d, Total: d})
		if diff := cmp.Diff(text, string(got)); err != nil || diff != "" {
			t.Errorf("within %v: %v (-want +got):\n%s", d, err, diff)
		}
		if r.asked > 2*len(text) {
			t.Errorf("within %v: a buffer of %d bytes for an answer of %d", d, r.asked, len(text))
		}
	}
}

func TestNoMoreThanTheLimitIsRead(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 99, 100, 101, 600, 5000} {
		for _, announced := range []int64{-1, int64(size)} {
			resp := answer(strings.NewReader(strings.Repeat("x", size)))
			resp.ContentLength = announced
			got, err := httpbody.Read(resp, 100, httpbody.Bound{})
			if want := min(size, 100); len(got) != want || err != nil {
				t.Errorf("%d bytes, announced as %d: %d, %v; want %d", size, announced, len(got), err, want)
			}
		}
	}
}

// stalledBody gives some text and then nothing until it is closed.
type stalledBody struct {
	io.Reader
	closed chan struct{}
}

func newStalled(text string) *http.Response {
	b := stalledBody{strings.NewReader(text), make(chan struct{})}
	return &http.Response{Body: b, ContentLength: -1}
}

func (b stalledBody) Read(p []byte) (int, error) {
	if n, err := b.Reader.Read(p); err == nil {
		return n, nil
	}
	<-b.closed
	return 0, errors.New("closed")
}

func (b stalledBody) Close() error { close(b.closed); return nil }

func TestABodyThatStallsHoldsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if got := httpbody.Peek(newStalled("lorem"), 100); got != "lorem" {
			t.Errorf("a peek gives %q, want what came", got)
		}
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("a peek takes %v", took)
		}
		got, err := httpbody.Read(newStalled("lorem"), 100, httpbody.Bound{Stall: time.Minute})
		if string(got) != "lorem" || err == nil || err.Error() != "the response body stalled for 1m0s: closed" {
			t.Errorf("a read gives %q, %v", got, err)
		}
	})
}

func TestADrainedBodyIsClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		resp := answer(strings.NewReader(strings.Repeat("x", 5000)))
		httpbody.Drain(resp)
		if rest, _ := io.ReadAll(resp.Body); len(rest) != 5000-4096 {
			t.Errorf("%d bytes are left, want all beyond 4 KiB", len(rest))
		}
		closed := make(chan struct{})
		httpbody.Drain(&http.Response{Body: struct {
			io.Reader
			io.Closer
		}{strings.NewReader("x"), closer(closed)}})
		<-closed
		httpbody.Drain(&http.Response{Body: http.NoBody})
	})
}

type closer chan struct{}

func (c closer) Close() error { close(c); return nil }
