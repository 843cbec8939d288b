package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/keyfit/keyfit/internal/heaproom"
	"github.com/keyfit/keyfit/mockserver"
)

// usedKeys is the number of different keys that the client presents in turn.
const usedKeys = 1024

// operation is one authenticated GET of a vendor.
type operation struct {
	provider mockserver.Provider
	path     string
	carrier  string // the part of the request before the key
}

// operations returns the operation of each kind of server. The bare server gets
// the same request as MindKey and returns a response of the same size.
func operations() map[string]operation {
	ping := operation{mockserver.MindKey, "/ping", "Authorization: ApiKey-v2 "}
	return map[string]operation{
		"bare":    ping,
		"mindkey": ping,                                                          // a constant body
		"imkit":   {mockserver.IMKIT, "/admin/connection-count", "IM-API-KEY: "}, // JSON encoded per request
	}
}

// serve runs one server. It prints its address and the keys to use, one per
// line, then an empty line. For each line of commands it prints the resource
// usage of the process; it returns at the end of commands.
func serve(kind string, keys int, profile string, commands io.Reader, out io.Writer) (err error) {
	if kind != "bare" {
		defer heaproom.Keep()() // as keyfit mock does
	}
	addr, secrets, closeAll, err := open(kind, keys)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	if profile != "" {
		f, err := os.Create(filepath.Join(filepath.Clean(profile), fmt.Sprintf("%s-%d.pprof", kind, keys)))
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	w := bufio.NewWriter(out)
	for _, line := range append([]string{addr}, append(secrets, "")...) {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for lines := bufio.NewScanner(commands); lines.Scan(); {
		if err := report(out); err != nil {
			return err
		}
	}
	return nil
}

// report prints the CPU time in nanoseconds, the heap size in bytes and the
// number of allocations.
func report(out io.Writer) error {
	cpu, err := cpuTime()
	if err != nil {
		return err
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	_, err = fmt.Fprintln(out, cpu.Nanoseconds(), m.HeapAlloc, m.Mallocs)
	return err
}

func open(kind string, keys int) (addr string, secrets []string, closeAll func() error, err error) {
	if kind == "bare" {
		return openBare()
	}
	p := operations()[kind].provider
	srv, err := mockserver.NewHandler(
		mockserver.WithLimit(p, mockserver.Limit{Requests: math.MaxInt32, Per: time.Minute})) // enforced but never reached
	if err != nil {
		return "", nil, nil, err
	}
	every := max(1, keys/usedKeys)
	for i := range max(keys, usedKeys) {
		if key := srv.Keys().Issue(p); i%every == 0 && len(secrets) < usedKeys {
			secrets = append(secrets, key.Secret.Reveal())
		}
	}
	url := srv.BaseURL(p)
	return url[len("http://"):], secrets, srv.Close, nil
}

// openBare starts a net/http server with a minimal handler.
func openBare() (addr string, secrets []string, closeAll func() error, err error) {
	var c net.ListenConfig
	l, err := c.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, nil, err
	}
	srv := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "pong")
	})}
	go func() { _ = srv.Serve(l) }()
	secrets = make([]string, usedKeys)
	for i := range secrets {
		secrets[i] = fmt.Sprintf("%043d", i)
	}
	return l.Addr().String(), secrets, srv.Close, nil
}
