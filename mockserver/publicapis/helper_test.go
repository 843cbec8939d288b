package publicapis

import (
	"net/http"
	"testing"
	"time"

	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/mockserver/apifile"
)

// start plays the API of a file in examples/apis.
func start(t *testing.T, name mockserver.Provider, opts ...mockserver.Option) *mockserver.Server {
	t.Helper()
	read, err := apifile.Load("../../examples/apis/" + string(name) + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	if read.API.Name != name {
		t.Fatalf("the file of %s describes %s", name, read.API.Name)
	}
	return mockserver.New(t, append(opts, mockserver.WithAPI(read.API))...)
}

// epoch is the time of a frozen clock.
var epoch = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant

// otherRun is a key of another run of the API.
func otherRun(t *testing.T, name mockserver.Provider) mockserver.Issued {
	t.Helper()
	return start(t, name).Keys().Issue(name)
}

// refused is how a request is refused, by the error of a client.
type refused struct {
	Status     int
	Code, Text string
}

// transport counts the requests that a client sends, and keeps the last answer's header.
type transport struct {
	next   http.RoundTripper
	sent   int
	header http.Header
}

func (tr *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	tr.sent++
	res, err := tr.next.RoundTrip(r)
	if res != nil {
		tr.header = res.Header
	}
	return res, err //nolint:wrapcheck // as it is
}
