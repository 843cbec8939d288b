package keyfit_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func readText(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// submatches returns the first group of every match, sorted and each once.
func submatches(pattern, text string) []string {
	var found []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func TestArchitecturePageNamesEveryPackage(t *testing.T) {
	t.Parallel()
	page := readText(t, "docs/architecture.md")
	_, packages, _ := strings.Cut(page, "\n## Packages\n")
	packages, _, _ = strings.Cut(packages, "\n## ")
	var want []string
	for path := range importGraph(t) {
		if path != "." {
			want = append(want, path)
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, submatches("(?m)^\\| `([a-z0-9/]+)` \\|", packages)); diff != "" {
		t.Errorf("packages in docs/architecture.md (-the module's +the page's):\n%s", diff)
	}
}

func TestArchitecturePageNamesOnlyFilesAndTestsThatExist(t *testing.T) {
	t.Parallel()
	page := readText(t, "docs/architecture.md")
	for _, name := range submatches("`([a-z_*/]+\\.go)`", page) {
		if found, err := filepath.Glob(name); err != nil || len(found) == 0 {
			t.Errorf("the page names %s, which does not exist (%v)", name, err)
		}
	}
	var tests strings.Builder
	names, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		tests.WriteString(readText(t, name))
	}
	for _, name := range submatches("`(Test[A-Za-z]+)…?`", page) {
		if !strings.Contains(tests.String(), "func "+name) {
			t.Errorf("the page names %s, which does not exist", name)
		}
	}
}

func TestPicturesAreOfTheCode(t *testing.T) {
	t.Parallel()
	for _, picture := range []string{"request", "key", "rotation"} {
		text, svg := readText(t, "docs/pictures/"+picture+".dot"), readText(t, "docs/pictures/"+picture+".svg")
		if sum := fmt.Sprintf("sha256 %x", sha256.Sum256([]byte(text))); !strings.Contains(svg, sum) {
			t.Errorf("%s.svg is not drawn from %s.dot as it is now: run bash docs/pictures/draw.sh", picture, picture)
		}
	}

	request := readText(t, "docs/pictures/request.dot")
	for _, name := range submatches(`([a-z]+\.go|internal/[a-z]+)\b`, request) {
		if _, err := os.Stat(name); err != nil {
			t.Errorf("request.dot names %s: %v", name, err)
		}
	}

	key, state := readText(t, "docs/pictures/key.dot"), readText(t, "internal/keyring/state.go")
	_, states, _ := strings.Cut(state, "const (")
	states, _, _ = strings.Cut(states, "\n)")
	if diff := cmp.Diff(submatches(`(?m)^\t([A-Z]\w+)`, states), submatches(`(?m)^  ([A-Z]\w+)\s+\[label`, key)); diff != "" {
		t.Errorf("states (-internal/keyring +key.dot):\n%s", diff)
	}
	for _, transition := range submatches(`-> \w+ \[label=" ?(\w+)`, key) {
		if !strings.Contains(state, ") "+transition+"(") {
			t.Errorf("key.dot has the transition %s, and internal/keyring/state.go has no such method", transition)
		}
	}

	rotation, help := readText(t, "docs/pictures/rotation.dot"), readText(t, "cmd/keyfit/rotate.go")
	_, told, _ := strings.Cut(help, "event (")
	told, _, _ = strings.Cut(told, ")")
	for _, state := range submatches(`(?m)^  ([a-z_]+)\s+\[label=<`, rotation) {
		if !slices.Contains(strings.FieldsFunc(told, func(c rune) bool { return c == ',' || c == ' ' || c == '\n' }), state) {
			t.Errorf("rotation.dot has the state %s, and keyfit rotate --json has no such event", state)
		}
	}
}
