package prom_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/observe/prom"
)

const page = "../../docs/observability.md"

func readText(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.FromSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// found returns the first group of every match, sorted and each once.
func found(pattern, text string) []string {
	var all []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// names are the metrics that the collector describes, with their labels.
func names() map[string]string {
	descs, all := make(chan *prometheus.Desc, 100), map[string]string{}
	prom.New().Describe(descs)
	close(descs)
	for d := range descs {
		m := regexp.MustCompile(`fqName: "(\w+)".*variableLabels: \{([\w,]*)\}`).FindStringSubmatch(d.String())
		all[m[1]] = strings.TrimPrefix(strings.TrimPrefix(m[2], "client,provider"), ",")
	}
	return all
}

func TestThePageListsEveryMetricWithItsLabels(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(keyfit_\\w+)` \\| ([^|]*) \\|").FindAllStringSubmatch(readText(t, page), -1) {
		got[m[1]] = strings.ReplaceAll(strings.ReplaceAll(m[2], "`", ""), ", ", ",")
	}
	if diff := cmp.Diff(names(), got); diff != "" {
		t.Errorf("metrics (-described +page):\n%s", diff)
	}
}

// A rule or a panel about a metric that nobody exports would be silent for ever.
func TestRulesAndDashboardAskForMetricsThatExist(t *testing.T) {
	t.Parallel()
	known := names()
	for _, file := range []string{"../../ops/prometheus/keyfit.rules.yml", "../../ops/prometheus/keyfit.rules.test.yml", "../../ops/grafana/keyfit.json"} {
		asked := found(`\b(keyfit_\w+)`, readText(t, file))
		if len(asked) < 8 {
			t.Errorf("%s asks for %d metrics: is the pattern right?", file, len(asked))
		}
		for _, name := range asked {
			if _, ok := known[strings.TrimSuffix(strings.TrimSuffix(name, "_sum"), "_count")]; !ok {
				t.Errorf("%s asks for %s, which is not exported", file, name)
			}
		}
	}
}

// Each alarm is tested, shown, and explained where its runbook_url leads.
func TestEveryAlarmIsTestedShownAndExplained(t *testing.T) {
	t.Parallel()
	rules := readText(t, "../../ops/prometheus/keyfit.rules.yml")
	want := found(`alert: (\w+)`, rules)
	if len(want) < 10 {
		t.Fatalf("there are %d alarms", len(want))
	}
	for what, got := range map[string][]string{
		"tested":    found(`exp_labels: \{[^\n]*\n(?:[^\n]*\n){1,5}?[^\n]*#(keyfit\w+)`, readText(t, "../../ops/prometheus/keyfit.rules.test.yml")),
		"explained": found(`(?m)^### (Keyfit\w+)$`, readText(t, page)),
		"shown":     found(`"(Keyfit[A-Z]\w+)"`, readText(t, "../../ops/prometheus/show.py")),
		"linked":    found(`observability\.md#(keyfit\w+)`, rules),
	} {
		lower := make([]string, len(want))
		for i := range want {
			lower[i] = strings.ToLower(want[i])
		}
		for i := range got {
			got[i] = strings.ToLower(got[i])
		}
		slices.Sort(got)
		slices.Sort(lower)
		if diff := cmp.Diff(lower, slices.Compact(got)); diff != "" {
			t.Errorf("%s (-alarms +%s):\n%s", what, what, diff)
		}
	}
	if n := strings.Count(rules, "runbook_url:"); n != len(want) {
		t.Errorf("%d alarms have %d runbook_urls", len(want), n)
	}
}

// The dashboard is what Grafana imports: panels with an id each, that do not lie on each other.
func TestTheDashboardCanBeImported(t *testing.T) {
	t.Parallel()
	type place struct{ X, Y, W, H int }
	var d struct {
		Title, UID    string
		SchemaVersion int
		Panels        []struct {
			ID          int
			Type, Title string
			Description string
			GridPos     place
			Targets     []struct{ Expr, RefID string }
		}
		Templating struct{ List []struct{ Name string } }
	}
	if err := json.Unmarshal([]byte(readText(t, "../../ops/grafana/keyfit.json")), &d); err != nil {
		t.Fatal(err)
	}
	taken, ids, vars := map[[2]int]string{}, map[int]bool{}, map[string]bool{"__rate_interval": true}
	for _, v := range d.Templating.List {
		vars[v.Name] = true
	}
	for _, p := range d.Panels {
		if ids[p.ID] || p.Title == "" || p.Type != "row" && (p.Description == "" || len(p.Targets) == 0) || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %d (%s) has the id of another, no description, no query, or leaves the page", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if under := taken[at]; under != "" {
					t.Fatalf("%s lies on %s", p.Title, under)
				}
				taken[at] = p.Title
			}
		}
		for _, target := range p.Targets {
			for _, name := range found(`\$(\w+)`, target.Expr) {
				if !vars[name] {
					t.Errorf("%s: there is no variable %s", p.Title, name)
				}
			}
		}
	}
	if len(ids) < 12 || d.UID == "" || d.SchemaVersion == 0 {
		t.Errorf("%d panels, uid %q, schema %d: is it a dashboard?", len(ids), d.UID, d.SchemaVersion)
	}
}

// The causes, states and bounds that the page names are those of the series.
func TestThePageNamesEveryValueOfALabel(t *testing.T) {
	t.Parallel()
	text := readText(t, page)
	c := client(t, answers(t, nil).URL, keyfit.Static(keyfit.APIKey(planted)))
	_, registry := collect(t, map[string]*keyfit.Client{"one": c})
	for _, name := range slices.Sorted(maps.Keys(values(t, registry))) {
		for _, value := range found(`(?:cause|state|kind)="(\w+)"`, name) {
			if !strings.Contains(text, fmt.Sprintf("`%s`", value)) {
				t.Errorf("the page does not name %s of %s", value, name)
			}
		}
	}
}
