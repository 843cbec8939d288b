package keyfit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyfit/keyfit"
)

// What a chaotic rotation tells the service that it starts.
const (
	chaosDotEnv = "KEYFIT_CHAOS_DOTENV"
	chaosURL    = "KEYFIT_CHAOS_URL"
	chaosBlind  = "KEYFIT_CHAOS_BLIND" // set if the service is to know no probe
)

const (
	chaosCallers = 16
	chaosPace    = 4 * time.Millisecond  // of one caller: there is a machine to share
	chaosPoll    = 20 * time.Millisecond // of the .env
)

// chaosReport is what the service says at its end, on a line that begins with chaosMark.
type chaosReport struct {
	Calls, Failed int
	Errors        []string // the first few
	Slowest       time.Duration
	Generation    uint64
	Events        map[keyfit.KeyEventKind]int
	Left          string // stacks of the goroutines that did not end
}

const chaosMark = "chaos: "

// TestChaosService is the service, not a test: it calls the mock until its standard input
// is closed, and reports. It follows its .env and holds calls.
func TestChaosService(t *testing.T) {
	t.Parallel()
	file := os.Getenv(chaosDotEnv)
	if file == "" {
		t.Skip("it is a process of its own, started by TestChaosFailsNoCall")
	}
	before := runtime.NumGoroutine()
	report := chaosServe(t, file, os.Getenv(chaosURL), os.Stdin)
	report.Left = goroutinesAbove(before)
	line, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = fmt.Fprintf(os.Stdout, "%s%s\n", chaosMark, line)
}

func chaosServe(t *testing.T, file, url string, until io.Reader) chaosReport {
	t.Helper()
	report := chaosReport{Events: map[keyfit.KeyEventKind]int{}}
	var mu sync.Mutex
	p := keyfit.MindKey()
	if os.Getenv(chaosBlind) != "" {
		p.Probe = ""
	}
	c, err := keyfit.New(p, keyfit.WithDotEnv(file), keyfit.WithBaseURL(url),
		keyfit.HoldCalls(30*time.Second, 0),
		keyfit.WithHooks(keyfit.Hooks{Key: func(e keyfit.KeyEvent) {
			mu.Lock()
			defer mu.Unlock()
			report.Events[e.Kind]++
		}}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var working sync.WaitGroup
	working.Go(func() { _ = c.Keys().Watch(ctx, chaosPoll) })
	for range chaosCallers {
		working.Go(func() {
			pace := time.NewTicker(chaosPace)
			defer pace.Stop()
			for ctx.Err() == nil {
				took, err := chaosCall(c)
				mu.Lock()
				report.Calls++
				report.Slowest = max(report.Slowest, took)
				if err != nil {
					report.Failed++
					report.Errors = append(report.Errors, err.Error())
					report.Errors = report.Errors[:min(len(report.Errors), 5)]
				}
				mu.Unlock()
				<-pace.C
			}
		})
	}
	_, _ = io.Copy(io.Discard, until)
	stop()
	working.Wait()
	c.HTTPClient().CloseIdleConnections()
	report.Generation = c.Keys().Status().Current.Generation
	return report
}

// chaosCall makes one call, and bounds it as a service would.
func chaosCall(c *keyfit.Client) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	begin := time.Now()
	_, err := keyfit.Get[struct{}](ctx, c, "/ping")
	return time.Since(begin), err
}

// goroutinesAbove waits until no more goroutines are there than before, and returns the
// stacks of all if that does not come. It is for a process that does nothing else.
func goroutinesAbove(before int) string {
	for range 200 {
		if runtime.NumGoroutine() <= before {
			return ""
		}
		<-time.After(10 * time.Millisecond) // a connection that was closed ends on its own
	}
	stacks := make([]byte, 1<<20)
	return strings.TrimSpace(string(stacks[:runtime.Stack(stacks, true)]))
}
