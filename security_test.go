package keyfit_test

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// securityCases is how many cases SECURITY.md has, numbered from 1.
const securityCases = 27

// testsOfTheTree are the names of all tests, fuzz targets and examples, in all modules.
func testsOfTheTree(t *testing.T) map[string]bool {
	t.Helper()
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Example)\w*)\(`)
	found := map[string]bool{}
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && (entry.Name()[0] == '.' || entry.Name() == "testdata"):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, "_test.go"):
			return nil
		}
		for _, m := range declared.FindAllStringSubmatch(readText(t, name), -1) {
			found[m[1]] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestSecurityPageNamesOnlyTestsThatExist(t *testing.T) {
	t.Parallel()
	found := testsOfTheTree(t)
	named := submatches("`((?:Test|Fuzz|Example)[A-Za-z0-9_]+)`", readText(t, "SECURITY.md"))
	if len(found) < 500 || len(named) < 20 {
		t.Fatalf("found %d tests in the tree and %d on the page: the test looks in the wrong place", len(found), len(named))
	}
	for _, name := range named {
		if !found[name] {
			t.Errorf("SECURITY.md names %s, which does not exist", name)
		}
	}
}

func TestSecurityPageHasEveryCaseWithATest(t *testing.T) {
	t.Parallel()
	_, page, _ := strings.Cut(readText(t, "SECURITY.md"), "\n## Cases\n")
	page, _, _ = strings.Cut(page, "\n## ")
	var got, want []int
	for _, m := range regexp.MustCompile(`(?m)^\| (\d+) \|(.*)\|$`).FindAllStringSubmatch(page, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, n)
		cells := strings.Split(m[2], " | ")
		if len(cells) != 4 || len(submatches("`((?:Test|Fuzz)[A-Za-z0-9_]+)`", cells[2])) == 0 {
			t.Errorf("case %d has %d cells, and needs a case, what holds it, a test, and what does not", n, len(cells))
		}
	}
	for n := 1; n <= securityCases; n++ {
		want = append(want, n)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("cases of SECURITY.md, in order (-want +got):\n%s", d)
	}
}

func TestSecurityPageHasItsParts(t *testing.T) {
	t.Parallel()
	page := readText(t, "SECURITY.md")
	for _, part := range []string{"Supported versions", "Report a vulnerability", "Promises", "Threat model", "Cases", "Limitations"} {
		if !strings.Contains(page, "\n## "+part+"\n") {
			t.Errorf("SECURITY.md has no part %q", part)
		}
	}
	for line := range strings.SplitSeq(page, "\n") { // a row that lost a cell says something else
		if !strings.HasPrefix(line, "| ") {
			continue
		}
		if cells := strings.Count(line, " | ") + 1; cells != 2 && cells != 4 && cells != 5 {
			t.Errorf("a row has %d cells: %.80s", cells, line)
		}
	}
}
