package servers

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
)

// childVariable is the environment variable that turns this program into a server; see
// ServeIfChild.
const childVariable = "KEYFIT_BENCHMARKS_SERVE"

// Counts holds the counts of a server in another process.
type Counts struct {
	Connections int   `json:"connections"`
	Requests    int64 `json:"requests"`
	Bytes       int64 `json:"bytes"` // written bytes of endless bodies
}

// Child is a server in another process, so that its cost does not count for the client.
type Child struct {
	URL     string
	control string
	cmd     *exec.Cmd
	stdin   io.Closer
}

// Spawn starts this program again as a server. Its main function or TestMain must call
// ServeIfChild first.
func Spawn(ctx context.Context) (*Child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self) //nolint:gosec // this program itself
	cmd.Env = append(os.Environ(), childVariable+"=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	err = cmd.Start()
	if err != nil {
		return nil, err
	}
	c := &Child{cmd: cmd, stdin: stdin}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err == nil {
		_, err = fmt.Sscan(line, &c.URL, &c.control)
	}
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("the server process did not report its address: %w", err)
	}
	return c, nil
}

// Counts returns the counts of the server. They do not include this request.
func (c *Child) Counts(ctx context.Context) (Counts, error) {
	var n Counts
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.control, http.NoBody)
	if err != nil {
		return n, err
	}
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return n, err
	}
	defer func() { _ = resp.Body.Close() }()
	err = json.NewDecoder(resp.Body).Decode(&n)
	return n, err
}

// Close ends the other process by closing its standard input.
func (c *Child) Close() {
	_ = c.stdin.Close()
	_ = c.cmd.Wait()
}

// ServeIfChild runs the server of Spawn if this process was started as one, until standard
// input ends. It reports whether it was.
func ServeIfChild(ctx context.Context) (served bool, err error) {
	if os.Getenv(childVariable) == "" {
		return false, nil
	}
	var requests, written atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		OK(w, r)
	})
	mux.HandleFunc("/endless/{mib}", func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		endless(w, r, &written)
	})
	main, err := Start(ctx, mux)
	if err != nil {
		return true, err
	}
	defer main.Close()
	control, err := Start(ctx, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(Counts{Connections: main.Connections(), Requests: requests.Load(), Bytes: written.Load()})
	}))
	if err != nil {
		return true, err
	}
	defer control.Close()
	if _, err = fmt.Fprintln(os.Stdout, main.URL, control.URL); err != nil {
		return true, err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return true, err
}

// endless responds with 500 and a body of as many MiB as the path says, which is practically
// endless for a client but bounds the benchmark. It counts the written bytes.
func endless(w http.ResponseWriter, r *http.Request, total *atomic.Int64) {
	mebibytes, err := strconv.ParseInt(r.PathValue("mib"), 10, 64)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(http.StatusInternalServerError)
	chunk := strings.Repeat("all work and no play ", 1<<15/21)
	for left := mebibytes << 20; left > 0; {
		n, err := io.WriteString(w, chunk)
		total.Add(int64(n))
		left -= int64(n)
		if err != nil {
			return
		}
	}
}
