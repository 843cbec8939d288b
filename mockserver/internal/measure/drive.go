package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// target is a server process and the requests to send to it.
type target struct {
	name     string
	addr     string
	requests [][]byte
	in       io.WriteCloser
	out      *bufio.Scanner
	cmd      *exec.Cmd
}

// startTarget starts this program as a server process.
func startTarget(ctx context.Context, name, kind string, keys int, profile string) (*target, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, //nolint:gosec // this program again
		"-serve", kind, "-keys", strconv.Itoa(keys), "-profile", profile)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	t := &target{name: name, in: in, out: bufio.NewScanner(out), cmd: cmd}
	if !t.out.Scan() {
		return nil, fmt.Errorf("%s did not start", name)
	}
	t.addr = t.out.Text()
	op := operations()[kind]
	for t.out.Scan() && t.out.Text() != "" {
		t.requests = append(t.requests, []byte("GET "+op.path+" HTTP/1.1\r\nHost: "+t.addr+
			"\r\nUser-Agent: keyfit-measure\r\nAccept-Encoding: gzip\r\n"+op.carrier+t.out.Text()+"\r\n\r\n"))
	}
	return t, nil
}

func (t *target) stop() {
	_ = t.in.Close()
	_ = t.cmd.Wait()
}

// usage is the resource usage of a server process since its start.
type usage struct{ cpu, heap, mallocs int64 }

func (t *target) usage() (u usage, err error) {
	if _, err = io.WriteString(t.in, "\n"); err != nil {
		return u, err
	}
	if !t.out.Scan() {
		return u, fmt.Errorf("%s ended", t.name)
	}
	_, err = fmt.Sscan(t.out.Text(), &u.cpu, &u.heap, &u.mallocs)
	return u, err
}

// result is one measurement.
type result struct {
	perSecond float64
	cpu       float64 // server CPU time per request, ns
	mallocs   float64 // server allocations per request
	heap      int64
}

// drive loads the server over c.conns connections.
func drive(ctx context.Context, t *target, c config) (result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var done atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, c.conns)
	for i := range c.conns {
		wg.Go(func() {
			if err := pump(ctx, t, i, c.conns, &done); err != nil {
				errs <- err
				cancel()
			}
		})
	}
	pause(ctx, c.warm)
	before, err := t.usage()
	if err != nil {
		return result{}, err
	}
	start, n := time.Now(), done.Load()
	pause(ctx, c.measure)
	n, took := done.Load()-n, time.Since(start)
	after, err := t.usage()
	cancel()
	wg.Wait()
	select {
	case err = <-errs:
	default:
	}
	if n == 0 && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return result{}, fmt.Errorf("%s: %w", t.name, err)
	}
	return result{
		perSecond: float64(n) / took.Seconds(), cpu: float64(after.cpu-before.cpu) / float64(n),
		mallocs: float64(after.mallocs-before.mallocs) / float64(n), heap: after.heap,
	}, nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// pump sends one request after the other until ctx is done.
func pump(ctx context.Context, t *target, first, step int, done *atomic.Int64) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", t.addr)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	size, err := answerSize(conn, t.requests[first])
	if err != nil {
		return err
	}
	buf := make([]byte, size)
	for i := first; ctx.Err() == nil; i = (i + step) % len(t.requests) {
		if _, err := conn.Write(t.requests[i]); err != nil {
			return err
		}
		if _, err := io.ReadFull(conn, buf); err != nil {
			return err
		}
		if !bytes.HasPrefix(buf, []byte("HTTP/1.1 200 ")) {
			return fmt.Errorf("unexpected answer: %s", buf)
		}
		done.Add(1)
	}
	return nil
}

// answerSize returns the size of a response in bytes; all responses of a target
// have the same size.
func answerSize(conn net.Conn, request []byte) (int, error) {
	if _, err := conn.Write(request); err != nil {
		return 0, err
	}
	var raw bytes.Buffer
	res, err := http.ReadResponse(bufio.NewReader(io.TeeReader(conn, &raw)), nil)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, res.Body)
	return raw.Len(), errors.Join(err, res.Body.Close())
}
