package odata

import (
	"net/url"
	"strconv"
	"strings"
)

// skipToken is where a page begins among the rows that the other options select,
// and how many rows the pages have. Both are in the token, so that a client can
// follow a link without repeating its preference.
type skipToken struct{ from, size int }

func (t skipToken) String() string { return strconv.Itoa(t.from) + "-" + strconv.Itoa(t.size) }

func parseSkipToken(value string) (skipToken, error) {
	first, second, ok := strings.Cut(value, "-")
	from, err1 := strconv.ParseUint(first, 10, 31)
	size, err2 := strconv.ParseUint(second, 10, 31)
	if !ok || err1 != nil || err2 != nil || size == 0 {
		return skipToken{}, fail("Invalid value '%s' for $skiptoken query option found.", clip(value))
	}
	return skipToken{int(from), int(size)}, nil
}

// Page cuts the rows that Apply returned to one page of at most size rows, 0 for no
// limit; the $skiptoken of a link comes first. next is the raw query of the
// following page, "" on the last one. raw is the query of this one.
func (q *Query) Page(rows []*Row, size int, raw string) (page []*Row, next string) {
	token := q.token
	if token.size == 0 {
		token.size = size
	}
	rows = rows[min(token.from, len(rows)):]
	if token.size <= 0 || len(rows) <= token.size {
		return rows, ""
	}
	token.from += token.size
	return rows[:token.size], withSkipToken(raw, token)
}

// withSkipToken replaces the $skiptoken of a query and leaves the rest as it was
// sent.
func withSkipToken(raw string, t skipToken) string {
	var kept []string
	for pair := range strings.SplitSeq(raw, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); pair != "" && (err != nil || strings.TrimSpace(plain) != "$skiptoken") {
			kept = append(kept, pair)
		}
	}
	return strings.Join(append(kept, "$skiptoken="+t.String()), "&")
}
