package limiter

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"
)

// draw writes the picture of docs/limits.md anew:
//
//	go test ./internal/limiter -run Picture -draw
var draw = flag.Bool("draw", false, "write docs/pictures/limits.svg")

const picture = "../../docs/pictures/limits.svg"

// TestThePictureIsWhatTheLimiterDoes draws each bound at work, by the simulation, and compares
// that with the picture in the documentation.
func TestThePictureIsWhatTheLimiterDoes(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	panels := []struct {
		title string
		world world
		span  time.Duration
	}{
		{"In flight: 200 calls at once, no limit, 100 ms away", world{
			server: &fixedWindow{n: 1 << 30, per: time.Hour}, arrivals: bursts(200, 1, 0), deadline: time.Minute, latency: 100 * ms,
		}, 1500 * ms},
		{"Published limit: 100 calls at once on 20 a second", world{
			server: &slidingWindow{n: 20, per: sec}, published: Limit{20, sec}, arrivals: bursts(100, 1, 0), deadline: time.Minute, latency: 10 * ms,
		}, 5 * sec},
		{"Pause: one stray 429 that asks for 4 s, 10 calls a second", world{
			server: &slidingWindow{n: 1000, per: sec}, arrivals: steady(60, 100*ms), deadline: time.Minute, latency: 10 * ms,
			stray: func(i int) (time.Duration, bool) { return 4 * sec, i == 15 },
		}, 6 * sec},
		{"Quota: the headers say that 20 a second are left", world{
			server: &fixedWindow{n: 20, per: sec}, stated: true, arrivals: bursts(100, 1, 0), deadline: time.Minute, latency: 10 * ms,
		}, 5 * sec},
		{"Learned window: 200 calls at once on 40 a second, not published", world{
			server: &fixedWindow{n: 40, per: sec}, hint: hintExact, arrivals: bursts(200, 1, 0), deadline: time.Minute, latency: 10 * ms,
		}, 5 * sec},
		{"Learned pace: a bucket of 40 a second, burst 5, not published", world{
			server: &tokenBucket{n: 40, burst: 5, per: sec}, hint: hintExact, arrivals: bursts(200, 1, 0), deadline: time.Minute, latency: 10 * ms,
		}, 5 * sec},
	}
	const width, height = 360, 190
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">`+"\n", 2*width, 3*height)
	b.WriteString(`<rect width="100%" height="100%" fill="white"/>` + "\n")
	for i, p := range panels {
		p.world.seed = 1
		arrivals := p.world.trace()
		x0, y0 := i%2*width+30, i/2*height+height-35
		fmt.Fprintf(&b, `<text x="%d" y="%d">%s</text>`+"\n", x0-20, i/2*height+18, p.title)
		fmt.Fprintf(&b, `<path d="M%d %d v-130 M%d %d h310" stroke="#888" fill="none"/>`+"\n", x0, y0, x0, y0)
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%v</text>`+"\n", x0+310, y0+14, p.span)
		passed, refused, points := 0, "", ""
		total := max(1, len(p.world.arrivals))
		for _, a := range arrivals {
			x := float64(x0) + 310*float64(a.at)/float64(p.span)
			if a.at > p.span {
				break
			}
			if !a.refused {
				passed++
			}
			y := float64(y0) - 125*float64(passed)/float64(total)
			if a.refused {
				refused += fmt.Sprintf(`<circle cx="%.1f" cy="%.1f" r="2.5"/>`, x, y)
			} else {
				points += fmt.Sprintf(" %.1f,%.1f", x, y)
			}
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="#2266aa" stroke-width="1.5"/>`+"\n", points)
		fmt.Fprintf(&b, `<g fill="#cc3311">%s</g>`+"\n", refused)
	}
	b.WriteString("</svg>\n")
	if *draw {
		if err := os.WriteFile(picture, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(picture)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, b.Bytes()) {
		t.Error("docs/pictures/limits.svg is not what the limiter does: draw it anew with -draw")
	}
}
