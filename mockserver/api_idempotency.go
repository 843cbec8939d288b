package mockserver

import (
	"cmp"
	"crypto/sha256"
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

const (
	idempotencyLife = 24 * time.Hour // on the mock's clock
	maxIdempotent   = 1_000          // answers kept in a namespace; the oldest go first
	maxIdempotency  = 255            // bytes of a header's value; a longer one is ignored
)

// idempotent keeps the first answers to writes in one namespace.
type idempotent struct {
	v        *vendor
	header   string // canonical
	replayed string // canonical, or empty
	conflict Answer
	added    http.Header // to a conflict

	mu    sync.Mutex
	kept  map[string]*firstAnswer // by the header's value
	order []string                // oldest first
}

// firstAnswer is to a write that may be repeated.
type firstAnswer struct {
	request [sha256.Size]byte
	at      time.Time

	making sync.Mutex // held while the operation runs: a repetition waits
	made   *buffer    // nil before
}

// idempotency checks the member, and returns what gives the routes of a namespace a memory.
func (def *definition) idempotency(v *vendor) func([]surface.Route) []surface.Route {
	same := func(routes []surface.Route) []surface.Route { return routes }
	rule := &def.Idempotency
	if rule.Name == "" {
		if rule.Replayed != "" || rule.Conflict.Status != 0 {
			def.wrong("idempotency.header", "it is the name of a request's header, such as Idempotency-Key")
		}
		return same
	}
	header := textproto.CanonicalMIMEHeaderKey(rule.Name)
	def.checkAnswerHeader("idempotency.header", rule.Name)
	if !v.showsHeader(header) {
		def.wrong("idempotency.header", "%s can carry a key", header)
	}
	const member = "idempotency.conflict"
	kind := refusalKind{status: cmp.Or(rule.Conflict.Status, http.StatusBadRequest), code: cmp.Or(rule.Conflict.Code, "idempotency_conflict"), message: cmp.Or(rule.Conflict.Message, "This request differs from the first one with its idempotency key.")}
	answer := def.answer(member, kind, &rule.Conflict)
	def.checkHeader(member+".header", rule.Conflict.Header)
	return func(routes []surface.Route) []surface.Route {
		memory := &idempotent{
			v: v, header: header, replayed: textproto.CanonicalMIMEHeaderKey(rule.Replayed),
			conflict: answer, added: headerOf(rule.Conflict.Header), kept: make(map[string]*firstAnswer),
		}
		return memory.over(routes)
	}
}

// over gives routes that write the memory.
func (m *idempotent) over(routes []surface.Route) []surface.Route {
	out := slices.Clone(routes)
	for i := range out {
		if method, _, _ := strings.Cut(out[i].Pattern, " "); method != http.MethodPost && method != http.MethodPatch {
			continue
		}
		handle := out[i].Handle
		out[i].Handle = func(w http.ResponseWriter, c *surface.Call) {
			if value := c.Header.Get(m.header); value != "" && len(value) <= maxIdempotency {
				m.answer(w, c, value, handle)
				return
			}
			handle(w, c)
		}
	}
	return out
}

// answer gives the first answer again, or makes it.
func (m *idempotent) answer(w http.ResponseWriter, c *surface.Call, value string, handle func(http.ResponseWriter, *surface.Call)) {
	sum := sha256.Sum256(append([]byte(c.Method+" "+c.URL.RequestURI()+"\n"), c.Data...))
	first := m.first(value, sum, c.Now)
	w.Header().Set(m.header, headerValue(value))
	if first.request != sum {
		c.Explain(string(OK), "the request differs from the first one with its "+m.header)
		m.refuse(w)
		return
	}
	first.making.Lock()
	defer first.making.Unlock() // a handler may panic: the next one tries again
	if first.made != nil {
		if m.replayed != "" {
			w.Header().Set(m.replayed, "true")
		}
	} else {
		made := &buffer{header: make(http.Header), status: http.StatusOK}
		if id := m.v.number(w.Header()); id != "" {
			made.header.Set(m.v.requestID, id)
		}
		handle(bufferWriter{made}, c)
		delete(made.header, m.v.requestID) // a repetition has a number of its own
		first.made = made
	}
	maps.Copy(w.Header(), first.made.header)
	w.WriteHeader(first.made.status)
	_, _ = w.Write(first.made.body.Bytes()) // an error means that the client has disconnected
}

// first returns what is kept of a value, or keeps it from now on.
func (m *idempotent) first(value string, request [sha256.Size]byte, now time.Time) *firstAnswer {
	m.mu.Lock()
	defer m.mu.Unlock()
	if kept := m.kept[value]; kept != nil {
		if now.Sub(kept.at) < idempotencyLife {
			return kept
		}
		m.order = slices.DeleteFunc(m.order, func(v string) bool { return v == value })
	}
	if len(m.order) >= maxIdempotent {
		delete(m.kept, m.order[0])
		m.order = slices.Delete(m.order, 0, 1)
	}
	made := &firstAnswer{request: request, at: now}
	m.kept[value], m.order = made, append(m.order, value)
	return made
}

// refuse answers a request that differs from the first.
func (m *idempotent) refuse(w http.ResponseWriter) {
	addMissing(w.Header(), m.added)
	fill := strings.NewReplacer("{requestId}", m.v.number(w.Header()), "{scope}", "", "{retryAfter}", "0")
	surface.Raw(w, m.conflict.Status, m.conflict.ContentType, []byte(fill.Replace(m.conflict.Body)))
}

// bufferWriter writes into a buffer.
type bufferWriter struct{ *buffer }

func (bw bufferWriter) Header() http.Header         { return bw.header }
func (bw bufferWriter) WriteHeader(status int)      { bw.status = status }
func (bw bufferWriter) Write(b []byte) (int, error) { return bw.body.Write(b) } //nolint:wrapcheck // it has no error
