package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
)

// asService is the variable that makes the test's own binary a service: it has the path of a .env
// file with an IMKIT key, which it follows.
const asService = "TEST_AS_SERVICE"

// serveAsService calls IMKIT all the time and tells its status over HTTP. It writes the URL when
// it is ready, and how many calls it made and how many failed when its standard input ends.
func serveAsService(dotenv string) {
	provider := keyfit.IMKIT("")
	provider.Limit = keyfit.Limit{}
	c, err := keyfit.New(provider, keyfit.WithSource(keyfit.DotEnv(dotenv, "IMKIT_API_KEY")), keyfit.WithDotEnv(dotenv), keyfit.DrainTime(time.Minute))
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(c.Keys().Status()) }))
	ctx, cancel := context.WithCancel(context.Background())
	var load sync.WaitGroup
	load.Go(func() { _ = c.Keys().Watch(ctx, 20*time.Millisecond) })
	var calls, failed atomic.Int64
	for range 2 {
		load.Go(func() {
			turn := time.NewTicker(2 * time.Millisecond)
			defer turn.Stop()
			for ctx.Err() == nil {
				<-turn.C
				if _, err := keyfit.Get[struct{}](context.Background(), c, "/admin/connection-count"); err != nil {
					failed.Add(1)
				}
				calls.Add(1)
			}
		})
	}
	fmt.Println(srv.URL)
	_, _ = io.Copy(io.Discard, os.Stdin)
	cancel()
	load.Wait()
	fmt.Println(calls.Load(), failed.Load())
}

// service is a process that serves as a service.
type service struct {
	*exec.Cmd
	url string
	in  io.Closer
	out *bufio.Reader
}

func startService(t *testing.T, dotenv string) *service {
	t.Helper()
	s := &service{Cmd: program()}
	s.Env = append(environment(), asService+"="+dotenv)
	in, err := s.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	s.in, s.out = in, bufio.NewReader(out)
	t.Cleanup(func() {
		_ = s.Process.Kill()
		_ = s.Wait()
	})
	line, err := s.out.ReadString('\n')
	if s.url = strings.TrimSpace(line); err != nil || !strings.HasPrefix(line, "http") {
		t.Fatalf("%v: %s", err, line)
	}
	return s
}

// end stops the service and returns how many calls it made, and how many failed.
func (s *service) end(t *testing.T) (calls, failed int) {
	t.Helper()
	_ = s.in.Close()
	if _, err := fmt.Fscan(s.out, &calls, &failed); err != nil {
		t.Error(err)
	}
	return calls, failed
}

// suspendAtSwap reads the events of a rotation, and suspends the new key at the mock as soon as it
// is in the file.
func suspendAtSwap(t *testing.T, out io.Reader, env map[string]string, next string) string {
	t.Helper()
	var keys []mockserver.Key
	if err := json.Unmarshal([]byte(runKeyfit(t, env, "keys", "list", "--json").out), &keys); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for s := bufio.NewScanner(out); s.Scan(); {
		said.WriteString(s.Text() + "\n")
		if !strings.Contains(s.Text(), `"event":"swapped"`) {
			continue
		}
		for _, k := range keys {
			if k.Fingerprint == next {
				if got := runKeyfit(t, env, "keys", "suspend", k.ID); got.code != 0 {
					t.Errorf("%+v", got)
				}
			}
		}
	}
	return said.String()
}
