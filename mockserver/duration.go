package mockserver

import (
	"fmt"
	"strings"
	"time"
)

// Duration is a time.Duration that is written as text in JSON: "90s", "24h",
// "365d", "2w3d". The state document, the admin API and the configuration file
// use it; a day is 24 hours.
type Duration time.Duration

// ParseDuration reads what time.ParseDuration reads, and days ("366d") and
// weeks ("2w") before it. It fails on anything else, naming it.
func ParseDuration(s string) (Duration, error) {
	rest, sum := strings.TrimSpace(s), time.Duration(0)
	rest, negative := strings.CutPrefix(rest, "-")
	signed := func(d time.Duration) (Duration, error) {
		if negative {
			d = -d
		}
		return Duration(d), nil
	}
	whole := rest
	for _, unit := range []struct {
		mark byte
		size time.Duration
	}{{'w', 7 * day}, {'d', day}} {
		i := strings.IndexByte(rest, unit.mark)
		if i <= 0 {
			continue
		}
		n, err := atoiDigits(rest[:i])
		if err != nil || time.Duration(n) > (1<<62-sum)/unit.size {
			return 0, badDuration(s)
		}
		sum += time.Duration(n) * unit.size
		rest = rest[i+1:]
	}
	if rest == "" && whole != "" {
		return signed(sum)
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || d > 1<<62-sum {
		return 0, badDuration(s)
	}
	return signed(sum + d)
}

func badDuration(s string) error {
	return fmt.Errorf("%q is not a duration; write it as 90s, 24h or 365d", s)
}

func atoiDigits(s string) (int64, error) {
	var n int64
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' || n > 1<<50 {
			return 0, badDuration(s)
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, nil
}

// Std returns d as a time.Duration.
func (dur Duration) Std() time.Duration { return time.Duration(dur) }

// String is time.Duration's text without trailing zeros: "24h", not "24h0m0s".
func (dur Duration) String() string {
	s := time.Duration(dur).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// MarshalText writes String.
func (dur Duration) MarshalText() ([]byte, error) { return []byte(dur.String()), nil }

// UnmarshalText reads what ParseDuration reads.
func (dur *Duration) UnmarshalText(text []byte) error {
	parsed, err := ParseDuration(string(text))
	if err != nil {
		return err
	}
	*dur = parsed
	return nil
}
