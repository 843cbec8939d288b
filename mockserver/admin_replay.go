package mockserver

import (
	"bytes"
	"crypto/sha256"
	"maps"
	"net/http"
	"sync"
)

// maxReplays bounds how many operations with an Idempotency-Key are
// remembered.
const maxReplays = 256

// replays repeats the response to an operation: a client whose connection broke
// gets its key, not a second one. This is the one place where a secret stays in
// memory after it was shown; the last 256 responses are kept, none on disk.
type replays struct {
	mu    sync.Mutex
	known map[string]*replay
	order []string
}

type replay struct {
	sum    [sha256.Size]byte // of the body
	done   chan struct{}
	status int
	header http.Header
	body   []byte
}

func (rs *replays) serve(c *adminCall, key string, run func(http.ResponseWriter) int) {
	if len(key) > 255 {
		writeProblem(c.w, refused(http.StatusBadRequest, "Idempotency-Key is longer than 255 characters"))
		return
	}
	id, sum := c.URL.EscapedPath()+"\n"+key, sha256.Sum256(c.data)
	rs.mu.Lock()
	if old := rs.known[id]; old != nil {
		rs.mu.Unlock()
		old.replay(c, sum)
		return
	}
	mine := &replay{sum: sum, done: make(chan struct{}), status: http.StatusInternalServerError, header: make(http.Header)}
	rs.add(id, mine)
	rs.mu.Unlock()
	defer func() {
		if mine.status >= http.StatusBadRequest { // a failed operation may be repeated
			rs.forget(id)
		}
		close(mine.done)
	}()
	w := c.w
	mine.status = run(mine)
	mine.write(w)
}

func (rs *replays) add(id string, r *replay) {
	if rs.known == nil {
		rs.known = make(map[string]*replay)
	}
	if len(rs.order) == maxReplays {
		delete(rs.known, rs.order[0])
		rs.order = append(rs.order[:0], rs.order[1:]...)
	}
	rs.known[id] = r
	rs.order = append(rs.order, id)
}

func (rs *replays) forget(id string) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	delete(rs.known, id)
	for i, x := range rs.order {
		if x == id {
			rs.order = append(rs.order[:i], rs.order[i+1:]...)
			return
		}
	}
}

// replay repeats the response once the first operation has ended.
func (rp *replay) replay(c *adminCall, sum [sha256.Size]byte) {
	if sum != rp.sum {
		writeProblem(c.w, refused(http.StatusUnprocessableEntity, "this Idempotency-Key was used with another body; use a new one"))
		return
	}
	select {
	case <-rp.done:
	case <-c.Context().Done():
		return
	}
	c.w.Header().Set("Idempotency-Replayed", "true")
	rp.write(c.w)
}

func (rp *replay) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), rp.header)
	w.WriteHeader(rp.status)
	_, _ = w.Write(rp.body) // an error means that the client has disconnected
}

// Header, WriteHeader and Write record the first response.
func (rp *replay) Header() http.Header    { return rp.header }
func (rp *replay) WriteHeader(status int) { rp.status = status }
func (rp *replay) Write(b []byte) (int, error) {
	rp.body = bytes.Join([][]byte{rp.body, b}, nil)
	return len(b), nil
}
