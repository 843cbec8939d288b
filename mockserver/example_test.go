package mockserver_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyfit/keyfit/mockserver"
)

// exampleServer stands in for mockserver.New(t), which examples cannot call.
func exampleServer(opts ...mockserver.Option) *mockserver.Server {
	srv, err := mockserver.NewHandler(opts...)
	if err != nil {
		panic(err)
	}
	return srv
}

// ping asks MindKey with the key and prints the answer.
func ping(srv *mockserver.Server, key mockserver.Issued) {
	r, _ := http.NewRequest(http.MethodGet, "https://connector.mindkey.com/ping", nil)
	key.Apply(r)
	res, err := srv.Transport().RoundTrip(r)
	if err != nil {
		fmt.Println(err) //nolint:forbidigo // examples print
		return
	}
	_ = res.Body.Close()
	fmt.Println(strings.TrimSpace(res.Status[:3] + " " + res.Header.Get("X-Mock-Diagnosis"))) //nolint:forbidigo // examples print
}

func ExampleNew() {
	test := func(t *testing.T) { //nolint:thelper // it is the test
		srv := mockserver.New(t)
		key := srv.Keys().Issue(mockserver.IMKIT)

		r, _ := http.NewRequest(http.MethodGet, srv.BaseURL(mockserver.IMKIT)+"/admin/clients", nil)
		r.Header.Set("IM-API-KEY", key.Secret.Reveal())
		res, err := srv.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()

		srv.Expect(t, mockserver.Match{KeyID: key.ID, Outcome: mockserver.OK}, 1)
	}
	_ = test
	// Output:
}

// In a bubble of testing/synctest the client and the mock have one clock. Sockets do not
// work there, Transport does.
func ExampleServer_Transport() {
	test := func(t *testing.T) { //nolint:thelper // it is the test
		synctest.Test(t, func(t *testing.T) {
			srv := mockserver.New(t)
			key := srv.Keys().Issue(mockserver.IMKIT, mockserver.LimitTo(mockserver.Limit{Requests: 1, Per: time.Minute}))
			client := &http.Client{Transport: srv.Transport()}
			for _, want := range []int{200, 429, 200} {
				r, _ := http.NewRequest(http.MethodGet, "https://imkit.localhost/admin/clients", nil)
				key.Apply(r)
				res, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				if _ = res.Body.Close(); res.StatusCode != want {
					t.Errorf("%s, want %d", res.Status, want)
				}
				if want == http.StatusTooManyRequests {
					<-time.After(time.Minute) // of the bubble: it takes no time
				}
			}
		})
	}
	_ = test
	// Output:
}

func ExampleKeys_Rotate() {
	start := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	srv := exampleServer(mockserver.WithFrozenClock(start))
	defer srv.Close()

	old := srv.Keys().Issue(mockserver.MindKey)
	next, err := srv.Keys().Rotate(old.ID, time.Hour)
	if err != nil {
		panic(err)
	}
	ping(srv, old)
	srv.Clock().Advance(time.Hour)
	ping(srv, old)
	ping(srv, next)
	// Output:
	// 200
	// 401 expired: key_000001 expired at 2027-01-01T01:00:00Z; its successor is key_000002
	// 200
}

func ExampleClock() {
	start := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	srv := exampleServer(mockserver.WithFrozenClock(start))
	defer srv.Close()

	key := srv.Keys().Issue(mockserver.MindKey) // 365 days, no grace
	srv.Clock().Advance(365*24*time.Hour - time.Second)
	ping(srv, key)
	srv.Clock().Advance(time.Second)
	ping(srv, key)
	// Output:
	// 200
	// 401 expired: key_000001 expired at 2028-01-01T00:00:00Z
}

func ExampleNamespace_Inject() {
	srv := exampleServer()
	defer srv.Close()

	srv.Inject(mockserver.Match{Path: "/ping"}, mockserver.Status(503, "down"), mockserver.First(2))
	key := srv.Keys().Issue(mockserver.MindKey)
	for range 3 {
		ping(srv, key)
	}
	// Output:
	// 503 faulted: injected fault: status 503
	// 503 faulted: injected fault: status 503
	// 200
}

func ExampleSecret() {
	srv := exampleServer()
	defer srv.Close()
	key := srv.Keys().Issue(mockserver.Imin)
	fmt.Printf("%v %s %q %+v %x\n", key.Secret, key.Secret, key.Secret, key.Secret, key.Secret)
	fmt.Println(len(key.Secret.Reveal()))
	// Output:
	// [redacted] [redacted] [redacted] [redacted] [redacted]
	// 32
}
