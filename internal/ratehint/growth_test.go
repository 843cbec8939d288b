package ratehint_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/internal/ratehint"
)

// limitHeaders are all headers that are read.
func limitHeaders() []string {
	list := []string{"Retry-After", "Retry-After-Ms", "Ratelimit", "Ratelimit-Policy", "Date"}
	for _, prefix := range []string{"Ratelimit", "X-Ratelimit", "X-Rate-Limit"} {
		list = append(list, prefix+"-Limit", prefix+"-Remaining", prefix+"-Reset")
	}
	return list
}

// TestOnlyTheBeginningOfAHeaderIsRead: what a header of megabytes costs is what its first 4 KiB
// cost, in allocations and in time.
func TestOnlyTheBeginningOfAHeaderIsRead(t *testing.T) { //nolint:paralleltest // it counts allocations
	for name, unit := range map[string]string{
		"commas": ",", "semicolons": ";", "quotes": `"`, "escapes": `\`, "digits": "9", "spaces": " ", "items": `"a";r=0;t=30,`,
		"parameters": ";q=1", "members": "limit=1,", "dates": "Sun, 29 Nov 2026 12:00:00 GMT,", "escaped quotes": `"\"`,
	} {
		cost := func(n int) (allocations, nsPerByte float64) {
			h := http.Header{}
			for _, header := range limitHeaders() {
				h[header] = []string{strings.Repeat(unit, n/len(unit)+1)[:n]}
			}
			best := time.Hour
			for range 3 {
				began := time.Now()
				ratehint.Parse(h, nil, ratehint.Names{}, now)
				best = min(best, time.Since(began))
			}
			return testing.AllocsPerRun(1, func() { ratehint.Parse(h, nil, ratehint.Names{}, now) }), float64(best) / float64(n)
		}
		allocations, perByte := cost(1 << 20)
		if _, short := cost(64 << 10); perByte > 2*short {
			t.Errorf("%s: 1 MiB takes %.1f ns per byte, 64 KiB %.1f", name, perByte, short)
		}
		if allocations > 500 {
			t.Errorf("%s: %.0f allocations", name, allocations)
		}
	}
	lines := http.Header{}
	for _, header := range limitHeaders() {
		lines[header] = strings.Split(strings.Repeat("1 ", 100_000), " ")
	}
	if got := testing.AllocsPerRun(1, func() { ratehint.Parse(lines, nil, ratehint.Names{}, now) }); got > 500 {
		t.Errorf("many lines: %.0f allocations", got)
	}
}

func TestAHeaderThatIsTooLongIsReadUpToItsLastComma(t *testing.T) {
	t.Parallel()
	limit := `"a";r=0;t=30,` + strings.Repeat(" ", 4<<10-30)
	for _, tt := range []struct {
		name   string
		header http.Header
		want   wantHint
	}{
		{"what stands before", headers("Ratelimit: " + limit + `,"b";r=0;t=6` + strings.Repeat("0", 100)), wantHint{30 * time.Second, true, "RateLimit", []string{"RateLimit: more than 4 KiB or 16 lines, of which the rest was not read"}}},
		{"half a number is none", headers("Retry-After: " + strings.Repeat("0", 4<<10) + "5"), wantHint{Dropped: []string{"Retry-After: more than 4 KiB or 16 lines, of which the rest was not read"}}},
		{"the first lines", http.Header{"Retry-After": append(strings.Split(strings.Repeat("5 ", 15), " "), "7", "9")}, wantHint{5 * time.Second, true, "Retry-After", []string{"Retry-After: more than 4 KiB or 16 lines, of which the rest was not read", "Retry-After: empty"}}},
	} {
		h := ratehint.Parse(tt.header, nil, ratehint.Names{}, now)
		if diff := cmp.Diff(tt.want, wantHint{h.Wait, h.Given, h.Source, h.Dropped}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
