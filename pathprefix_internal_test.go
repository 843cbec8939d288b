package keyfit

import (
	"net/url"
	"path"
	"strings"
	"testing"
)

// FuzzNothingLeavesThePathOfTheBaseURL reads what the check lets pass as the most obliging of
// servers would: all escapes undone, backslashes as slashes, no path parameters.
func FuzzNothingLeavesThePathOfTheBaseURL(f *testing.F) {
	for _, sent := range []string{
		"/gw/x", "/gw", "/gw/../x", "/gw/%2e%2e/x", "/gw/..%2fx", "/gw/%252e%252e%252fx", "/gw/..;a/x", "/gw/a\\..\\..\\x", "/gwx",
		"/gw/.%2", "/gw/%", "/gw/a/..", "/gw/...", "/gw/..%00/x", "/%67w/x", "/gw//../../x",
	} {
		f.Add(sent)
	}
	f.Fuzz(func(t *testing.T, sent string) {
		u, err := url.Parse("https://gw.example" + sent)
		if err != nil || checkPrefix("/gw", u) != nil {
			return
		}
		at := u.EscapedPath()
		for range 2 * maxUnescapes {
			at = unescapeLeniently(at)
		}
		var segments []string
		for segment := range strings.SplitSeq(strings.ReplaceAll(at, "\\", "/"), "/") {
			name, _, _ := strings.Cut(segment, ";")
			segments = append(segments, strings.Trim(name, " \t\r\n\x00"))
		}
		if at = path.Clean(strings.Join(segments, "/")); at != "/gw" && !strings.HasPrefix(at, "/gw/") {
			t.Fatalf("%q is sent, and may be read as %q", u.EscapedPath(), at)
		}
	})
}
