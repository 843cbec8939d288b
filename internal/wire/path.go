package wire

import (
	"fmt"
	"net/url"
	"strings"
)

// Path fills the {parameters} of a path template, as the vendor's page writes it, with
// the values in order:
//
//	wire.Path("/rooms/{room}/messages/{message}", room, message)
//
// Whatever a value holds (slashes, quotes, "..", "%2F", line breaks) reaches the server
// as that one segment. An empty value is an error that names its parameter, since the
// path would be another operation's.
func Path(template string, values ...string) (string, error) {
	var b strings.Builder
	rest := template
	for _, value := range values {
		before, after, ok := strings.Cut(rest, "{")
		name, after, closed := strings.Cut(after, "}")
		if !ok || !closed {
			return "", fmt.Errorf("the path %s has fewer parameters than the %d given", template, len(values))
		}
		if err := Require(strings.ReplaceAll(name, "_", " "), value); err != nil {
			return "", err
		}
		b.WriteString(before)
		b.WriteString(Segment(value))
		rest = after
	}
	if strings.Contains(rest, "{") {
		return "", fmt.Errorf("the path %s has more parameters than the %d given", template, len(values))
	}
	b.WriteString(rest)
	return b.String(), nil
}

// Segment escapes a value so that it is one segment of a path. "." and ".." are escaped
// too: as they are, RFC 3986 section 5.2.4 takes them away.
func Segment(value string) string {
	if value == "." || value == ".." {
		return strings.ReplaceAll(value, ".", "%2E")
	}
	return url.PathEscape(value)
}
