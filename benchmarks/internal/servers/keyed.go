package servers

import (
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Keyed is a handler that accepts requests with a currently valid key.
type Keyed struct {
	header string

	mu       sync.Mutex
	begin    time.Time
	valid    []string
	arrivals []Arrival
}

// NewKeyed returns a handler that reads the key from the given header. No key is valid before
// Accept is called.
func NewKeyed(header string) *Keyed { return &Keyed{header: header, begin: time.Now()} }

// Accept makes these keys the only valid ones.
func (k *Keyed) Accept(keys ...string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.valid = keys
}

func (k *Keyed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if k.knows(r.Header.Get(k.header)) {
		OK(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = io.WriteString(w, `{"code":"INVALID_API_KEY","message":"The API key is not valid"}`)
}

func (k *Keyed) knows(key string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	ok := slices.Contains(k.valid, key)
	k.arrivals = append(k.arrivals, Arrival{At: time.Since(k.begin), Refused: !ok})
	return ok
}

// Arrivals returns the requests so far, with times since NewKeyed.
func (k *Keyed) Arrivals() []Arrival {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.arrivals)
}
