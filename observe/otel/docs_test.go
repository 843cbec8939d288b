package keyfitotel_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	keyfitotel "github.com/keyfit/keyfit/observe/otel"
)

// docsOtel holds a block of docs/observability.md, word for word; the test below compares. That it
// compiles is the proof, so it is not called.
func docsOtel() error {
	observer, err := keyfitotel.New()
	if err != nil {
		return err
	}
	client, err := keyfit.New(keyfit.IMKIT("your-app"), observer.Options()...)
	if err != nil {
		return err
	}
	if err := observer.Observe("billing", client); err != nil {
		return err
	}
	return nil
}

var _ = docsOtel

func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash("../../docs/observability.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheBlocksOfThePageCompile(t *testing.T) {
	t.Parallel()
	compiled, err := os.ReadFile("docs_test.go")
	if err != nil {
		t.Fatal(err)
	}
	normal := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	n := 0
	for _, block := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(page(t), -1) {
		if !strings.Contains(block[1], "keyfitotel.") {
			continue
		}
		if n++; !strings.Contains(normal(string(compiled)), normal(block[1])) {
			t.Errorf("nothing compiles this block:\n%s", block[1])
		}
	}
	if n == 0 {
		t.Error("the page has no block about keyfitotel")
	}
}

// The page lists the metrics that are exported, with their units, and names every attribute, every
// event and every error.type.
func TestThePageListsWhatIsExported(t *testing.T) {
	t.Parallel()
	r := newRig(t, []answer{{status: 503}, {status: 200}}, nil, keyfit.WithRetry(keyfit.RetryPolicy{MinBackoff: 1, MaxBackoff: 1}))
	r.ring.set(dated(second), nil)
	if _, err := r.client.Keys().Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.get(t, "/rooms/7"); err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, scope := range r.collect(t).ScopeMetrics {
		for _, m := range scope.Metrics {
			want = append(want, m.Name+" "+m.Unit)
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `((?:http|keyfit)\\.[\\w.]+)` \\| [^|]* \\| `([^`]*)`").FindAllStringSubmatch(page(t), -1) {
		got = append(got, m[1]+" "+m[2])
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics (-exported +page):\n%s", diff)
	}
	text := page(t)
	for name := range r.points(t) {
		for _, attr := range regexp.MustCompile(`keyfit\.[\w.]+=`).FindAllString(name, -1) {
			if !strings.Contains(text, strings.TrimSuffix(attr, "=")) {
				t.Errorf("the page does not name %s", attr)
			}
		}
	}
	source, err := os.ReadFile("failure.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?:return |, )"(\w+)"`).FindAllStringSubmatch(string(source), -1) {
		if m[1] != "max_wait" && !strings.Contains(text, "`"+m[1]+"`") {
			t.Errorf("the page does not name the error.type %s", m[1])
		}
	}
}
