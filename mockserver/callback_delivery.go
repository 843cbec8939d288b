package mockserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// deliveryTimeout bounds one call.
const deliveryTimeout = 10 * time.Second

// errNotLoopback refuses a receiver elsewhere: a test must not call the world.
var errNotLoopback = errors.New("not sent: the mock only calls loopback addresses")

// WithCallbackDelivery sends the calls of Callbacks, in their order, to receivers
// on a loopback address (127.0.0.0/8, ::1, localhost). All others are recorded with
// an error. Redirects are not followed.
func WithCallbackDelivery() Option { return func(o *options) { o.deliver = true } }

// delivery is one call to send.
type delivery struct {
	record *Callback // guarded by callbacks.mu
	url    string
	body   []byte
}

// deliver queues a call. The caller holds calls.mu.
func (n *Namespace) deliver(d delivery) {
	n.calls.queue = append(n.calls.queue, d)
	if !n.calls.busy {
		n.calls.busy = true
		go n.sendQueue()
	}
}

// sendQueue sends queued calls until there is none.
func (n *Namespace) sendQueue() {
	n.srv.running.enter()
	defer n.srv.running.leave()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-n.srv.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	client := loopbackClient()
	defer client.CloseIdleConnections()
	for {
		n.calls.mu.Lock()
		if len(n.calls.queue) == 0 || n.srv.closed() {
			n.calls.busy = false
			n.calls.mu.Unlock()
			return
		}
		next := n.calls.queue[0]
		n.calls.queue = n.calls.queue[1:]
		n.calls.mu.Unlock()
		status, err := post(ctx, client, next.url, next.body)
		n.calls.mu.Lock()
		next.record.Status = status
		if err != nil {
			next.record.Error = err.Error()
		}
		n.calls.mu.Unlock()
	}
}

// loopbackClient dials loopback addresses only, judged as they are dialled.
func loopbackClient() *http.Client {
	dialer := &net.Dialer{Timeout: deliveryTimeout, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !at.Addr().Unmap().IsLoopback() {
			return errNotLoopback
		}
		return nil
	}}
	return &http.Client{
		Timeout: deliveryTimeout,
		Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if host, port, err := net.SplitHostPort(address); err == nil && isLocalhost(host) {
				address = net.JoinHostPort("localhost", port) // no name server knows the names below it
			}
			return dialer.DialContext(ctx, network, address)
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// post makes one call. Its error does not quote the URL, which may hold a
// credential.
func post(ctx context.Context, client *http.Client, url string, body []byte) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, errors.New("not sent: the URL is not valid")
	}
	if host := r.URL.Hostname(); !maybeLoopback(host) {
		return 0, errNotLoopback
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("User-Agent", "keyfit-mock")
	res, err := client.Do(r)
	switch {
	case errors.Is(err, errNotLoopback):
		return 0, errNotLoopback
	case err != nil:
		return 0, fmt.Errorf("no answer: %w", dialProblem(err))
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20)) // so that the connection can be used again
	return res.StatusCode, res.Body.Close()
}

// maybeLoopback reports whether a host can be on this machine without asking a name
// server: it is a loopback address or a name below localhost.
func maybeLoopback(host string) bool {
	if at, err := netip.ParseAddr(host); err == nil {
		return at.Unmap().IsLoopback()
	}
	return isLocalhost(host)
}

// isLocalhost reports whether a name is localhost or below it (RFC 6761, section 6.3).
func isLocalhost(host string) bool {
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// dialProblem is an error of the client without the URL.
func dialProblem(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return context.DeadlineExceeded
	}
	return errors.New("the connection failed")
}
