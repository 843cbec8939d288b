package mockserver

import (
	"sync"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/redact"
)

// maxCallbacks bounds the calls that a namespace keeps; the oldest are dropped.
const maxCallbacks = 1000

// Callback is a call that the vendor would have made to a client's address. The
// mock never makes it.
type Callback struct {
	At       time.Time `json:"at"` // mock clock; the vendor calls within a minute
	Provider Provider  `json:"provider"`
	URL      string    `json:"url"`
	Body     string    `json:"body"`
}

type callbacks struct {
	mu  sync.Mutex
	all []Callback
}

// Callbacks lists the calls that vendors would have made, oldest first: today
// Optimove's, for UpdateCustomerAttributes and UpsertCustomer with a callback
// URL. The last 1,000 are kept.
func (n *Namespace) Callbacks() []Callback {
	n.calls.mu.Lock()
	defer n.calls.mu.Unlock()
	return append([]Callback(nil), n.calls.all...)
}

// callback records a call, with credentials redacted as in the journal.
func (n *Namespace) callback(p Provider, url string, body []byte) {
	red := redact.New(&n.srv.vault)
	c := Callback{n.clock.Now(), p, red.Text(url), red.Text(string(body[:min(len(body), maxJournalBody)]))}
	n.calls.mu.Lock()
	defer n.calls.mu.Unlock()
	if len(n.calls.all) >= maxCallbacks {
		n.calls.all = append(n.calls.all[:0], n.calls.all[1:]...)
	}
	n.calls.all = append(n.calls.all, c)
}

func (n *Namespace) forgetCallbacks() {
	n.calls.mu.Lock()
	n.calls.all = nil
	n.calls.mu.Unlock()
}
