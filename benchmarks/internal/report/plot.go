package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"time"
)

// Lane is one library's row in a plot over time.
type Lane struct {
	Name string
	Note string // text at the right end
	Good []int  // count per bin, drawn from the axis upwards
	Bad  []int  // count per bin, drawn on top of Good
}

// Timeline is a plot of events over time, with one lane per library and a common scale.
type Timeline struct {
	Title     string
	Good, Bad string // meaning of the two colours; "" omits one
	Bin       time.Duration
	Tick      time.Duration // distance of the ticks on the axis
	Cut       int           // maximum height of a bar; 0: no maximum
	Lanes     []Lane
}

// The layout in pixels.
const (
	plotWidth  = 760
	labelWidth = 140
	noteWidth  = 150
	laneHeight = 40
	laneGap    = 8
	headHeight = 44
	footHeight = 26
)

// The colours are readable on white and on black; text and axis follow the colour scheme of
// the reader.
const plotStyle = `text{font:12px system-ui,sans-serif;fill:#24292f}.t{font-weight:600;font-size:13px}.n{fill:#57606a}` +
	`.a{stroke:#8c959f;stroke-width:1;fill:none}.g{fill:#3b82c4}.b{fill:#d9534f}` +
	`@media(prefers-color-scheme:dark){text{fill:#e6edf3}.n{fill:#9198a1}.a{stroke:#656c76}.g{fill:#58a6ff}.b{fill:#ff7b72}}`

// SVG returns the plot as an SVG document.
func (t *Timeline) SVG() []byte {
	bins, most := t.extent()
	height := headHeight + len(t.Lanes)*(laneHeight+laneGap) + footHeight
	area := float64(plotWidth - labelWidth - noteWidth)
	x := func(bin float64) float64 { return labelWidth + bin*area/float64(bins) }

	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img">`, plotWidth, height, plotWidth, height)
	fmt.Fprintf(&b, "\n<title>%s</title>\n<style>%s</style>\n", escape(t.Title), plotStyle)
	fmt.Fprintf(&b, `<text class="t" x="0" y="16">%s</text>`+"\n", escape(t.Title))
	t.legend(&b, most)
	for i, lane := range t.Lanes {
		floor := headHeight + i*(laneHeight+laneGap) + laneHeight
		fmt.Fprintf(&b, `<text x="0" y="%d">%s</text>`, floor-laneHeight/2+4, escape(lane.Name))
		fmt.Fprintf(&b, `<text class="n" x="%d" y="%d">%s</text>`, plotWidth-noteWidth+8, floor-laneHeight/2+4, escape(lane.Note))
		fmt.Fprintf(&b, `<path class="a" d="M%d %dH%d"/>`, labelWidth, floor, plotWidth-noteWidth)
		bars(&b, "g", lane.Good, nil, floor, most, x)
		bars(&b, "b", lane.Bad, lane.Good, floor, most, x)
		b.WriteString("\n")
	}
	for at := time.Duration(0); at <= time.Duration(bins)*t.Bin; at += t.Tick {
		fmt.Fprintf(&b, `<text class="n" text-anchor="middle" x="%.1f" y="%d">%s</text>`, x(float64(at)/float64(t.Bin)), height-8, escape(at.String()))
	}
	b.WriteString("\n</svg>\n")
	return b.Bytes()
}

// extent returns the number of bins and the highest bar of all lanes, each at least 1.
func (t *Timeline) extent() (bins, most int) {
	bins, most = 1, 1
	for _, lane := range t.Lanes {
		bins = max(bins, len(lane.Good), len(lane.Bad))
		for i := range max(len(lane.Good), len(lane.Bad)) {
			most = max(most, at(lane.Good, i)+at(lane.Bad, i))
		}
	}
	if t.Cut > 0 {
		most = min(most, t.Cut)
	}
	return bins, most
}

func (t *Timeline) legend(b *bytes.Buffer, most int) {
	x := labelWidth
	for _, entry := range []struct{ class, words string }{{"g", t.Good}, {"b", t.Bad}} {
		if entry.words == "" {
			continue
		}
		fmt.Fprintf(b, `<rect class="%s" x="%d" y="26" width="10" height="10"/><text x="%d" y="35">%s</text>`, entry.class, x, x+15, escape(entry.words))
		x += 30 + 7*len(entry.words)
	}
	scale := fmt.Sprintf("a full lane is %d in %s", most, t.Bin)
	if most == t.Cut {
		scale += ", higher bars are cut"
	}
	fmt.Fprintf(b, `<text class="n" x="%d" y="35">%s</text>`+"\n", x+6, scale)
}

// bars draws one series as a single path on top of another.
func bars(b *bytes.Buffer, class string, values, under []int, floor, most int, x func(float64) float64) {
	scale := float64(laneHeight) / float64(most)
	open := false
	for i, v := range values {
		if v == 0 {
			continue
		}
		if !open {
			fmt.Fprintf(b, `<path class="%s" d="`, class)
			open = true
		}
		left, width := x(float64(i)), max(1, x(1)-x(0)-0.5)
		from := min(float64(at(under, i))*scale, laneHeight)
		top := min(max(0.5, float64(v)*scale), laneHeight-from)
		fmt.Fprintf(b, "M%.1f %.1fv-%.1fh%.1fv%.1fz", left, float64(floor)-from, top, width, top)
	}
	if open {
		b.WriteString(`"/>`)
	}
}

func at(values []int, i int) int {
	if i < len(values) {
		return values[i]
	}
	return 0
}

// Bins counts times per bin. It ignores times after the last bin.
func Bins(times []time.Duration, bin time.Duration, n int) []int {
	counts := make([]int, n)
	for _, t := range times {
		if i := int(t / bin); i >= 0 && i < n {
			counts[i]++
		}
	}
	return counts
}

func escape(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // writing to a bytes.Buffer does not fail
	return b.String()
}
