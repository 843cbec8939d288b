package openapifile

import (
	"encoding/json"
	"math"
	"regexp/syntax"
	"strconv"
	"strings"
)

// decoded is a value as JSON has it, which the library checks.
func decoded(v any) any {
	var out any
	if err := json.Unmarshal(toJSON(v), &out); err != nil {
		return nil
	}
	return out
}

// number is the seed-th number that a schema takes.
func number(f *flat, whole bool, seed int) float64 {
	low, high := math.Inf(-1), math.Inf(1)
	step := 1.0
	if f.MultipleOf != nil && *f.MultipleOf > 0 {
		step = *f.MultipleOf
	}
	open := func(b *float64, is *bool) bool { return b != nil && is != nil && *is }
	if f.Min != nil {
		low = *f.Min
	}
	if f.Max != nil {
		high = *f.Max
	}
	lowOpen, highOpen := open(f.Min, f.ExclusiveMin.Bool), open(f.Max, f.ExclusiveMax.Bool)
	if v := f.ExclusiveMin.Value; v != nil && *v >= low {
		low, lowOpen = *v, true
	}
	if v := f.ExclusiveMax.Value; v != nil && *v <= high {
		high, highOpen = *v, true
	}
	if whole && step != math.Trunc(step) {
		step = 1
	}
	start := 42.0
	switch {
	case !math.IsInf(low, -1):
		start = low
	case !math.IsInf(high, 1) && high < start:
		if at := math.Floor(high/step) * step; at != high || !highOpen {
			return at - float64(seed)*step
		}
		return high - float64(seed+1)*step
	}
	v := math.Ceil(start/step) * step
	if lowOpen && v <= low {
		v += step
	}
	v += float64(seed) * step
	if v > high || highOpen && v == high {
		if !whole && f.MultipleOf == nil {
			return (low + high) / 2
		}
		return max(low, math.Ceil(low/step)*step)
	}
	return v
}

// text is the seed-th text that a schema takes.
func text(f *flat, seed int) string {
	if f.Pattern != "" {
		if s, ok := matching(f.Pattern, int(min(f.MinLength, 1000))); ok {
			return s
		}
	}
	n := strconv.Itoa(seed)
	switch f.Format {
	case "date-time":
		return "2027-01-31T09:30:00Z"
	case "date":
		return "2027-01-31"
	case "time":
		return "09:30:00Z"
	case "duration":
		return "PT90S"
	case "email", "idn-email":
		return "lorem" + n + "@fitsum.example"
	case "uuid":
		return "3f2b7c1e-5d4a-4b6f-8e9a-00000000000" + n[len(n)-1:]
	case "uri", "url", "iri", "uri-reference", "iri-reference":
		return "https://fitsum.example/" + n
	case "hostname", "idn-hostname":
		return "fitsum.example"
	case "ipv4", "ip":
		return "192.0.2.1"
	case "ipv6":
		return "2001:db8::1"
	case "byte", "base64":
		return "TG9yZW0gRml0c3Vt"
	case "json-pointer":
		return "/lorem"
	case "regex":
		return "^lorem$"
	}
	out := "Lorem Fitsum"
	if seed > 0 {
		out = n + " " + out
	}
	for uint64(len(out)) < min(f.MinLength, 100_000) {
		out += " dolor sit amet"
	}
	if f.MaxLength != nil && uint64(len(out)) > *f.MaxLength {
		out = out[:*f.MaxLength]
	}
	return out
}

// matching makes a text of a pattern, repeating what may be until it is long enough.
func matching(pattern string, least int) (string, bool) {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil || len(pattern) > 1000 {
		return "", false
	}
	var out string
	for _, more := range []int{0, 1, least} {
		var b strings.Builder
		write(&b, tree.Simplify(), more, 0)
		if out = b.String(); len([]rune(out)) >= least {
			break
		}
	}
	return out, true
}

// write writes the least text of a part of a pattern, and more repetitions where they may be.
func write(b *strings.Builder, re *syntax.Regexp, more, depth int) {
	if depth > 100 || b.Len() > 10_000 {
		return
	}
	repeat := func(n int) {
		for range n {
			write(b, re.Sub[0], more, depth+1)
		}
	}
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		b.WriteRune(member(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte('a')
	case syntax.OpCapture, syntax.OpConcat:
		for _, sub := range re.Sub {
			write(b, sub, more, depth+1)
		}
	case syntax.OpAlternate:
		write(b, re.Sub[0], more, depth+1)
	case syntax.OpStar:
		repeat(more)
	case syntax.OpPlus:
		repeat(max(1, more))
	case syntax.OpQuest:
		repeat(min(1, more))
	case syntax.OpRepeat:
		repeat(re.Min)
	default: // matches no character
	}
}

// member is a character of a class, a readable one if there is one.
func member(ranges []rune) rune {
	for _, want := range "aA0_- " {
		for i := 0; i+1 < len(ranges); i += 2 {
			if ranges[i] <= want && want <= ranges[i+1] {
				return want
			}
		}
	}
	for i := 0; i+1 < len(ranges); i += 2 {
		if r := max(ranges[i], ' '); r <= ranges[i+1] {
			return r
		}
	}
	if len(ranges) > 0 {
		return ranges[0]
	}
	return 'a'
}
