package mockserver_test

import (
	"net/http"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// nowhere is a ResponseWriter that forgets.
type nowhere struct{ header http.Header }

func (w *nowhere) Header() http.Header         { return w.header }
func (w *nowhere) WriteHeader(int)             {}
func (w *nowhere) Write(b []byte) (int, error) { return len(b), nil }

// plainMemory skips a test of memory under the race detector, which keeps more for each
// address: the figures tell nothing there, and requests in sequence hold no race.
func plainMemory(t *testing.T) {
	t.Helper()
	if raceDetector {
		t.Skip("the race detector takes memory by other rules")
	}
}

// heap is what is reachable.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// flood sends n requests of three kinds in turn: accepted ones, refused ones,
// and ones with a path that nobody used before.
func flood(srv *mockserver.Server, key mockserver.Issued, n int) {
	h := srv.Handler(mockserver.IMKIT)
	w := &nowhere{header: make(http.Header)}
	for i := range n {
		clear(w.header)
		r, err := http.NewRequest(http.MethodGet, "http://imkit.localhost/admin/connection-count?n="+strconv.Itoa(i), http.NoBody)
		if err != nil {
			panic(err)
		}
		r.Header.Set("User-Agent", "flood/"+strconv.Itoa(i))
		switch i % 3 {
		case 0:
			key.Apply(r)
		case 1:
			key.Apply(r)
			r.URL.Path = "/nowhere/" + strconv.Itoa(i)
		}
		h.ServeHTTP(w, r)
	}
}

// A fill makes the journal, its counters and their folds as large as they can
// become; from then on the heap must not grow any more. A leak of three bytes a
// request is seen, which a million requests after an empty start would hide.
//
//nolint:paralleltest // measures the heap
func TestTheMemoryOfTheJournalIsBounded(t *testing.T) {
	plainMemory(t)
	const n, bound = 33_003, 4 << 20 // a third of n, which is a multiple of three, is more than the 10,000 counters
	srv, err := mockserver.NewHandler(mockserver.WithJournal(5_000, bound), mockserver.WithoutRateLimits())
	if err != nil {
		t.Fatal(err)
	}
	key := srv.Keys().Issue(mockserver.IMKIT)
	flood(srv, key, 3)
	empty := heap()
	flood(srv, key, n-3)
	full := heap()
	more := n / 3
	if os.Getenv("KEYFIT_LONG") != "" {
		more = n
	}
	flood(srv, key, more)
	// The bound, and at most 10,000 counters of paths nobody used before.
	if grown := int64(full) - int64(empty); grown > bound+4<<20 {
		t.Errorf("filled: the heap grew by %d bytes", grown)
	}
	if grown := int64(heap()) - int64(full); grown > int64(3*more) {
		t.Errorf("full: the heap grew by %d bytes in %d requests", grown, more)
	}
	got := srv.Counts(mockserver.Match{})
	all := n + more
	want := mockserver.Counts{Total: all, ByOutcome: map[mockserver.Outcome]int{
		mockserver.OK: all / 3, mockserver.NotFound: all / 3, mockserver.MissingKey: all / 3,
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("counts (-want +got):\n%s", d)
	}
	one := srv.Counts(mockserver.Match{Path: "/admin/connection-count", KeyID: key.ID, Outcome: mockserver.OK})
	if one.Total != all/3 {
		t.Errorf("of the key: %+v, want %d", one, all/3)
	}
	kept := srv.Requests(mockserver.Match{})
	if len(kept) == 0 || len(kept) > 5_000 || kept[len(kept)-1].ID != uint64(all) {
		t.Errorf("%d entries kept", len(kept))
	}
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
}

// A client can make everything that is counted by long.
//
//nolint:paralleltest // measures the heap
func TestLongPathsAndMethodsDoNotFillTheMemory(t *testing.T) {
	plainMemory(t)
	srv, err := mockserver.NewHandler(mockserver.WithJournal(100, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	h, w := srv.Handler(mockserver.Imin), &nowhere{header: make(http.Header)}
	long := make([]byte, 64<<10)
	for i := range long {
		long[i] = 'a' + byte(i%20)
	}
	before := heap()
	const n = 400 // 51 MB of paths and methods
	for i := range n {
		r, err := http.NewRequest(http.MethodGet, "http://imin.localhost/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Path = "/" + string(long) + strconv.Itoa(i)
		r.Method = string(long) + strconv.Itoa(i)
		h.ServeHTTP(w, r)
	}
	if grown := int64(heap()) - int64(before); grown > 4<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	if c := srv.Counts(mockserver.Match{}); c.Total != n {
		t.Errorf("%+v", c)
	}
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
}
