package prom_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/observe/prom"
)

// docsProm holds a block of docs/observability.md, word for word; the test below compares. That it
// compiles is the proof, so it is not called.
func docsProm(client *keyfit.Client) error {
	metrics := prom.New()
	prometheus.MustRegister(metrics)
	if err := metrics.Add("billing", client); err != nil {
		return err
	}
	return nil
}

var _ = docsProm

func TestTheBlocksOfThePageCompile(t *testing.T) {
	t.Parallel()
	compiled, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	normal := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	n := 0
	for _, block := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(readText(t, page), -1) {
		if !strings.Contains(block[1], "prom.") {
			continue
		}
		if n++; !strings.Contains(normal(string(compiled)), normal(block[1])) {
			t.Errorf("nothing compiles this block:\n%s", block[1])
		}
	}
	if n == 0 {
		t.Error("the page has no block about prom")
	}
}
