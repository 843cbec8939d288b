package wire

import (
	"fmt"
	"net/url"
	"strings"
)

// Path replaces the {parameters} of a path template, as written on the vendor's page, by
// the values in order:
//
//	wire.Path("/rooms/{room}/messages/{message}", room, message)
//
// Every value reaches the server as exactly one segment, even if it contains slashes,
// quotes, "..", "%2F" or line breaks. An empty value is an error that names the parameter,
// because the path would denote another operation.
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

// Segment escapes a value so that it is exactly one segment of a path. It also escapes "."
// and "..", which RFC 3986 section 5.2.4 would remove.
func Segment(value string) string {
	if value == "." || value == ".." {
		return strings.ReplaceAll(value, ".", "%2E")
	}
	return url.PathEscape(value)
}
