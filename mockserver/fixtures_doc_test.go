package mockserver_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

// fixturePage is what docs/fixtures.md says of one vendor.
type fixturePage struct {
	collections []string            // the rows of its table
	required    map[string][]string // by collection
	blocks      []string            // its examples
}

// readFixtures reads the sections of docs/fixtures.md, by title.
func readFixtures(t *testing.T) map[string]fixturePage {
	t.Helper()
	text, err := os.ReadFile("../docs/fixtures.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (.*?) \\|")
	block := regexp.MustCompile("(?s)```json\n(.*?)```")
	name := regexp.MustCompile("`([^`]+)`")
	out := make(map[string]fixturePage)
	for _, section := range strings.Split(string(text), "\n## ")[1:] {
		title, body, _ := strings.Cut(section, "\n")
		page := fixturePage{required: make(map[string][]string)}
		for _, r := range row.FindAllStringSubmatch(body, -1) {
			page.collections = append(page.collections, r[1])
			for _, m := range name.FindAllStringSubmatch(r[2], -1) {
				page.required[r[1]] = append(page.required[r[1]], m[1])
			}
			if like, ok := strings.CutPrefix(r[2], "as "); ok {
				page.required[r[1]] = page.required[strings.Trim(like, "`")]
			}
		}
		for _, b := range block.FindAllStringSubmatch(body, -1) {
			page.blocks = append(page.blocks, b[1])
		}
		out[title] = page
	}
	return out
}

// inOrder reads an object of collections, with its names in the order of the text.
func inOrder(t *testing.T, block string) (names []string, all map[string][]json.RawMessage) {
	t.Helper()
	if err := json.Unmarshal([]byte(block), &all); err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(strings.NewReader(block))
	_, _ = d.Token() // the brace
	for d.More() {
		name, _ := d.Token()
		names = append(names, name.(string)) //nolint:forcetypeassert // Unmarshal has seen that it is an object
		var skip json.RawMessage
		if err := d.Decode(&skip); err != nil {
			t.Fatal(err)
		}
	}
	return names, all
}

// without returns an item without a member, whose path goes through the first
// elements of arrays.
func without(t *testing.T, raw json.RawMessage, path string) json.RawMessage {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var item map[string]any
	if err := d.Decode(&item); err != nil {
		t.Fatal(err)
	}
	at, steps := item, strings.Split(path, ".")
	for _, step := range steps[:len(steps)-1] {
		list, _ := at[step].([]any)
		if len(list) == 0 {
			t.Fatalf("%s: no %s in the example %s", path, step, raw)
		}
		at, _ = list[0].(map[string]any)
	}
	last := steps[len(steps)-1]
	if _, ok := at[last]; !ok {
		t.Fatalf("the example has no %s: %s", path, raw)
	}
	delete(at, last)
	out, err := json.Marshal(item)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The examples of docs/fixtures.md load in their order, over the sample data. Each member
// that the page calls required is refused if it is left out, each other one is not missed.
func TestFixturesAreAsTheirPageSays(t *testing.T) {
	t.Parallel()
	pages := readFixtures(t)
	titles := map[mockserver.Provider]string{
		mockserver.Imin: "imin", mockserver.MindKey: "MindKey", mockserver.IMKIT: "IMKIT", mockserver.Optimove: "Optimove",
	}
	for p, title := range titles {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			page, srv := pages[title], mockserver.New(t)
			all, err := srv.Collections(p)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, c := range all {
				want = append(want, c.Name)
			}
			if d := cmp.Diff(want, page.collections); d != "" {
				t.Errorf("the table (-mock +page):\n%s", d)
			}
			for i, block := range page.blocks {
				names, fixtures := inOrder(t, block)
				if d := cmp.Diff(want, names); i == 0 && d != "" {
					t.Errorf("the example (-mock +page):\n%s", d)
				}
				for _, name := range names {
					if i == 0 {
						checkRequired(t, srv, p, name, fixtures[name], page.required[name])
					}
					if err := srv.SetData(p, name, fixtures[name]); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
			}
		})
	}
}

func checkRequired(t *testing.T, srv *mockserver.Server, p mockserver.Provider, name string, list []json.RawMessage, required []string) {
	t.Helper()
	try := func(member string) error {
		next := slices.Clone(list)
		next[0] = without(t, list[0], member)
		return srv.SetData(p, name, next)
	}
	for _, member := range required {
		if err := try(member); !errors.Is(err, mockserver.ErrInvalidData) {
			t.Errorf("%s without %s: %v", name, member, err)
		}
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(list[0], &members); err != nil {
		t.Fatal(err)
	}
	for member := range members {
		if slices.Contains(required, member) {
			continue
		}
		if err := try(member); err != nil {
			t.Errorf("%s without %s, which is not required: %v", name, member, err)
		}
	}
}
