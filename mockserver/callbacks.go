package mockserver

import (
	"sync"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/redact"
)

// A namespace keeps this many calls and bytes of their bodies; the oldest are
// dropped.
const (
	maxCallbacks     = 1000
	maxCallbackBytes = 16 << 20
)

// Callback is a call that the vendor would have made to a client's address:
// Optimove's callback URLs and event listeners, the webhook of an IMKIT room. It is
// a POST of JSON; no vendor documents a signature. The mock makes the call only
// with WithCallbackDelivery and only to a loopback address.
type Callback struct {
	At       time.Time `json:"at"` // mock clock; the vendor calls within a minute
	Provider Provider  `json:"provider"`
	URL      string    `json:"url"`
	Body     string    `json:"body"`             // whole; credentials are redacted
	Status   int       `json:"status,omitempty"` // of the receiver's answer; 0 while it has not been called
	Error    string    `json:"error,omitempty"`  // why it was not called, or did not answer
}

type callbacks struct {
	mu    sync.Mutex
	all   []*Callback
	bytes int
	queue []delivery // to be sent, in order
	busy  bool       // a goroutine sends the queue
}

// Callbacks lists the calls that vendors would have made, oldest first, with how
// they were answered under WithCallbackDelivery. The last 1,000 are kept, and 16 MiB
// of their bodies.
func (n *Namespace) Callbacks() []Callback {
	n.calls.mu.Lock()
	defer n.calls.mu.Unlock()
	out := make([]Callback, len(n.calls.all))
	for i, c := range n.calls.all {
		out[i] = *c
	}
	return out
}

// callback records a call, with credentials redacted as in the journal, and sends
// it if that was asked for.
func (n *Namespace) callback(p Provider, url string, body []byte) {
	red := redact.New(&n.srv.vault)
	c := &Callback{At: n.clock.Now(), Provider: p, URL: red.Text(url), Body: red.Text(string(body))}
	n.calls.mu.Lock()
	defer n.calls.mu.Unlock()
	n.calls.all = append(n.calls.all, c)
	n.calls.bytes += len(c.Body)
	for len(n.calls.all) > maxCallbacks || n.calls.bytes > maxCallbackBytes && len(n.calls.all) > 1 {
		n.calls.bytes -= len(n.calls.all[0].Body)
		n.calls.all[0] = nil
		n.calls.all = n.calls.all[1:]
	}
	if n.srv.opts.deliver {
		n.deliver(delivery{c, url, body})
	}
}

func (n *Namespace) forgetCallbacks() {
	n.calls.mu.Lock()
	n.calls.all, n.calls.bytes, n.calls.queue = nil, 0, nil
	n.calls.mu.Unlock()
}
