package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"syscall"
	"time"

	"github.com/keyfit/keyfit/mockserver"
)

// body is what both servers answer.
const body = `{"RC":0,"RM":"OK","result":{"count":0}}`

// usedKeys is how many different keys the client presents in turn.
const usedKeys = 1024

// serve plays one server and prints its address and the keys to use, one a
// line, then an empty one. Each line of commands is answered with the CPU time
// used so far, in nanoseconds, and the heap in use; it ends with its input.
func serve(kind string, keys int, profile string, commands io.Reader, out io.Writer) error {
	addr, secrets, closeAll, err := open(kind, keys)
	if err != nil {
		return err
	}
	defer closeAll()
	if profile != "" {
		f, err := os.Create(filepath.Join(profile, fmt.Sprintf("%s-%d.pprof", kind, keys)))
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	w := bufio.NewWriter(out)
	fmt.Fprintln(w, addr)
	for _, s := range secrets {
		fmt.Fprintln(w, s)
	}
	fmt.Fprintln(w)
	if err := w.Flush(); err != nil {
		return err
	}
	for lines := bufio.NewScanner(commands); lines.Scan(); {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			return err
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		fmt.Fprintln(out, u.Utime.Nano()+u.Stime.Nano(), m.HeapAlloc, m.Mallocs)
	}
	return nil
}

func open(kind string, keys int) (addr string, secrets []string, closeAll func(), err error) {
	if kind == "bare" {
		return openBare()
	}
	srv, err := mockserver.NewHandler(
		mockserver.WithLimit(mockserver.IMKIT, mockserver.Limit{Requests: 1 << 40, Per: time.Minute}))
	if err != nil {
		return "", nil, nil, err
	}
	every := max(1, keys/usedKeys)
	for i := range max(keys, usedKeys) {
		if key := srv.Keys().Issue(mockserver.IMKIT); i%every == 0 && len(secrets) < usedKeys {
			secrets = append(secrets, key.Secret.Reveal())
		}
	}
	url := srv.BaseURL(mockserver.IMKIT)
	return url[len("http://"):], secrets, func() { _ = srv.Close() }, nil
}

// openBare is net/http with the least that a handler can do.
func openBare() (addr string, secrets []string, closeAll func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, nil, err
	}
	srv := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = io.WriteString(w, body)
	})}
	go func() { _ = srv.Serve(l) }()
	secrets = make([]string, usedKeys)
	for i := range secrets {
		secrets[i] = fmt.Sprintf("%060d", i)
	}
	return l.Addr().String(), secrets, func() { _ = srv.Close() }, nil
}
