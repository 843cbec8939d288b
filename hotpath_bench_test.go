package keyfit_test

import (
	"encoding/json"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyfit/keyfit"
)

const hotPathBody = `{"id":"1","name":"Lorem Fitsum"}`

// stub answers at once with a small JSON body. Answer and body are one piece of memory, so
// that what is measured is not the stub.
type stub struct{ header http.Header }

type stubAnswer struct {
	http.Response

	body strings.Reader
}

func (a *stubAnswer) Read(p []byte) (int, error) { return a.body.Read(p) }
func (*stubAnswer) Close() error                 { return nil }

func (s stub) RoundTrip(req *http.Request) (*http.Response, error) {
	a := &stubAnswer{Response: http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: s.header, ContentLength: int64(len(hotPathBody)), Request: req,
	}}
	a.body.Reset(hotPathBody)
	a.Body = a
	return &a.Response, nil
}

// BenchmarkHotPath compares a GET without a network: through net/http's client, which is
// given the key and the name of the program by hand, through HTTPClient, Do, Do with a path
// only, and Get, and through net/http and Do with the answer decoded by hand, as Get does. The network is
// net/http's transport with a stub in the place of its connections. The rounds are
// interleaved, so that a busy machine is busy for all of them: x/HTTPClient is the median of
// its time as a multiple of net/http's in the same round, allocs/HTTPClient and B/HTTPClient
// what one call allocates.
func BenchmarkHotPath(b *testing.B) {
	pool := &http.Transport{Protocols: new(http.Protocols)} // HTTP/2 would take https for itself
	pool.Protocols.SetHTTP1(true)
	pool.RegisterProtocol("https", stub{http.Header{"Content-Type": {"application/json"}}})
	p := keyfit.IMKIT("your-app")
	p.Limit = keyfit.Limit{}
	c, err := keyfit.New(p, keyfit.WithKey("hot-path-lorem-fitsum"), keyfit.WithoutDotEnv(),
		keyfit.WithBaseURL("https://api.example.com"), keyfit.WithHTTPClient(&http.Client{Transport: pool}))
	if err != nil {
		b.Fatal(err)
	}
	ctx := b.Context()
	type item struct{ ID, Name string }
	const path, whole = "/v1/items", "https://api.example.com/v1/items"
	raw := func(do func(*http.Request) (*http.Response, error), url string, decode bool, header ...string) func() {
		return func() {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
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
			if decode {
				var got item
				body, err := io.ReadAll(resp.Body)
				if err != nil || json.Unmarshal(body, &got) != nil || got.ID != "1" {
					b.Fatal(err, got)
				}
			} else {
				_, _ = io.Copy(io.Discard, resp.Body)
			}
			_ = resp.Body.Close()
		}
	}
	plain, own := (&http.Client{Transport: pool}).Do, []string{"IM-API-KEY", "hot-path-lorem-fitsum", "User-Agent", "lorem-fitsum"}
	ways := []struct {
		name string
		do   func()
		took []float64 // of a round
	}{
		{"http", raw(plain, whole, false, own...), nil},
		{"HTTPClient", raw(c.HTTPClient().Do, whole, false), nil},
		{"Do", raw(c.Do, whole, false), nil},
		{"Do/path", raw(c.Do, path, false), nil},
		{"http+decode", raw(plain, whole, true, own...), nil},
		{"Do+decode", raw(c.Do, whole, true), nil},
		{"Get", func() {
			if got, err := keyfit.Get[item](ctx, c, path); err != nil || got.ID != "1" {
				b.Fatal(err, got)
			}
		}, nil},
	}
	const round = 1000
	for n := 0; n < b.N; n += round {
		for i := range ways {
			w := &ways[(i+n/round)%len(ways)]
			begin := time.Now()
			for range round {
				w.do()
			}
			w.took = append(w.took, float64(time.Since(begin)))
		}
	}
	for _, w := range ways {
		ratios := make([]float64, len(w.took))
		for i := range ratios {
			ratios[i] = w.took[i] / ways[0].took[i]
		}
		slices.Sort(ratios)
		b.ReportMetric(ratios[len(ratios)/2], "x/"+w.name)
		b.ReportMetric(testing.AllocsPerRun(100, w.do), "allocs/"+w.name)
		b.ReportMetric(bytesPerRun(100, w.do), "B/"+w.name)
	}
}

// bytesPerRun is [testing.AllocsPerRun] for bytes.
func bytesPerRun(runs int, f func()) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		f()
	}
	runtime.ReadMemStats(&after)
	return float64(after.TotalAlloc-before.TotalAlloc) / float64(runs)
}
