package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/benchmarks/internal/report"
)

func TestMedianPercentileAndRounds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		got, want string
	}{
		{"odd", report.Integer(report.Median([]int{9, 1, 5})), "5"},
		{"even", report.Integer(report.Median([]int{9, 1, 5, 7})), "6"},
		{"none", report.Integer(report.Median([]int{})), "0"},
		{"p99 of a hundred", report.Integer(report.Percentile(upTo(100), 99)), "99"},
		{"p99 of ten", report.Integer(report.Percentile(upTo(10), 99)), "10"},
		{"p50 of ten", report.Integer(report.Percentile(upTo(10), 50)), "5"},
		{"p99 of none", report.Integer(report.Percentile([]int{}, 99)), "0"},
		{"rounds that agree", report.Rounds([]int{3, 3, 3}, report.Integer), "3"},
		{"rounds that differ", report.Rounds([]int{3, 4, 1}, report.Integer), "3 (1–4)"},
		{"no rounds", report.Rounds([]int{}, report.Integer), "–"},
		{"milliseconds", report.Millis(1500 * time.Microsecond), "1.50"},
		{"seconds", report.Seconds(9060 * time.Millisecond), "9.06"},
	} {
		if test.got != test.want {
			t.Errorf("%s: %s, want %s", test.name, test.got, test.want)
		}
	}
}

func upTo(n int) []int {
	values := make([]int, n)
	for i := range values {
		values[i] = i + 1
	}
	return values
}

func TestABarSaysWhatMissedIt(t *testing.T) {
	t.Parallel()
	bar := report.NewBar("at most 3")
	bar.Want(2 <= 3, "2 of them")
	if want := "Bar for keyfit: at most 3. **Held.**"; bar.String() != want {
		t.Errorf("%s, want %s", bar, want)
	}
	bar.Want(4 <= 3, "%d of them", 4)
	bar.Want(5 <= 3, "%d of those", 5)
	if want := "Bar for keyfit: at most 3. **Not held:** 4 of them; 5 of those."; bar.Held() || bar.String() != want {
		t.Errorf("%s, want %s", bar, want)
	}
}

func TestASectionIsAPageAndATextOfTheSameTable(t *testing.T) {
	t.Parallel()
	s := report.Section{
		Title: "Title", Text: "What was done.",
		Tables: []report.Table{{Title: "One", Head: []string{"library", "n"}, Rows: [][]string{{"keyfit", "1"}}, Bar: report.NewBar("b")}},
		Plots:  []report.Plot{{File: "a.svg", Caption: "A plot"}},
	}
	page := "## Title\n\nWhat was done.\n\n### One\n\n| library | n |\n| --- | --- |\n| keyfit | 1 |\n\nBar for keyfit: b. **Held.**\n\n![A plot](plots/a.svg)\n"
	if diff := cmp.Diff(page, s.Markdown()); diff != "" {
		t.Errorf("Markdown (-want +got):\n%s", diff)
	}
	text := "\nTitle\n=====\n\nOne\n\nlibrary  n\nkeyfit   1\nBar for keyfit: b. Held.\n"
	if diff := cmp.Diff(text, s.Terminal()); diff != "" {
		t.Errorf("Terminal (-want +got):\n%s", diff)
	}
}

func TestBinsCountAndLeaveOutWhatIsLate(t *testing.T) {
	t.Parallel()
	times := []time.Duration{0, 9 * time.Millisecond, 10 * time.Millisecond, 29 * time.Millisecond, 30 * time.Millisecond}
	if diff := cmp.Diff([]int{2, 1, 1}, report.Bins(times, 10*time.Millisecond, 3)); diff != "" {
		t.Errorf("bins (-want +got):\n%s", diff)
	}
}

func TestAPlotIsWellFormedAndHasEveryLane(t *testing.T) {
	t.Parallel()
	line := report.Timeline{
		Title: `<"&'>`, Cut: 3, Good: "a", Bad: "b", Bin: 10 * time.Millisecond, Tick: 20 * time.Millisecond,
		Lanes: []report.Lane{
			{Name: "one & only", Note: "n", Good: []int{1, 0, 2}, Bad: []int{0, 3, 2}},
			{Name: "empty"},
		},
	}
	svg := line.SVG()
	decoder := xml.NewDecoder(bytes.NewReader(svg))
	var texts, paths int
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, svg)
		}
		if e, ok := token.(xml.StartElement); ok {
			switch e.Name.Local {
			case "text":
				texts++
			case "path":
				paths++
			}
		}
	}
	// The title, two legend entries and the scale, name and note of two lanes, two ticks.
	if texts != 1+2+1+4+2 || paths != 2+2 {
		t.Errorf("%d texts and %d paths, want 10 and 4:\n%s", texts, paths, svg)
	}
	if !strings.Contains(string(svg), "a full lane is 3 in 10ms, higher bars are cut") {
		t.Error("it does not say that a bar is cut")
	}
	if !strings.Contains(string(svg), "prefers-color-scheme:dark") {
		t.Error("it has no style for a dark colour scheme")
	}
}
