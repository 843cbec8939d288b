package keyfit_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/keyfit/keyfit"
)

// stub answers at once with a small JSON body, as the network under a client would.
type stub struct{ body []byte }

func (s stub) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(s.body)),
		Body: io.NopCloser(bytes.NewReader(s.body)), Request: req,
	}, nil
}

// BenchmarkHotPath compares a GET without a network: through net/http's client, which is
// given the key and the name of the program by hand, through HTTPClient, Do and Get. The
// rounds are interleaved, so that a busy machine is busy for all of them; x/HTTPClient is
// its time as a multiple of net/http's.
func BenchmarkHotPath(b *testing.B) {
	pool := stub{[]byte(`{"id":"1","name":"Lorem Fitsum"}`)}
	p := keyfit.IMKIT("your-app")
	p.Limit = keyfit.Limit{}
	c, err := keyfit.New(p, keyfit.WithKey("hot-path-lorem-fitsum"), keyfit.WithoutDotEnv(),
		keyfit.WithBaseURL("https://api.example.com"), keyfit.WithHTTPClient(&http.Client{Transport: pool}))
	if err != nil {
		b.Fatal(err)
	}
	ctx := b.Context()
	raw := func(do func(*http.Request) (*http.Response, error), header ...string) func() {
		return func() {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.example.com/v1/items", http.NoBody)
			if err != nil {
				b.Fatal(err)
			}
			for i := 0; i+1 < len(header); i += 2 {
				req.Header.Set(header[i], header[i+1])
			}
			resp, err := do(req)
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	}
	type item struct{ ID, Name string }
	ways := []struct {
		name string
		do   func()
		took time.Duration
	}{
		{"http", raw((&http.Client{Transport: pool}).Do, "IM-API-KEY", "hot-path-lorem-fitsum", "User-Agent", "lorem-fitsum"), 0},
		{"HTTPClient", raw(c.HTTPClient().Do), 0},
		{"Do", raw(c.Do), 0},
		{"Get", func() {
			if _, err := keyfit.Get[item](ctx, c, "/v1/items"); err != nil {
				b.Fatal(err)
			}
		}, 0},
	}
	const round = 50
	for n := 0; n < b.N; n += round {
		for i := range ways {
			begin := time.Now()
			for range round {
				ways[i].do()
			}
			ways[i].took += time.Since(begin)
		}
	}
	for _, w := range ways {
		b.ReportMetric(float64(w.took)/float64(ways[0].took), "x/"+w.name)
		b.ReportMetric(testing.AllocsPerRun(100, w.do), "allocs/"+w.name)
	}
}
