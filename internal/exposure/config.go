package exposure

import (
	"path/filepath"
	"strings"

	"github.com/keyfit/keyfit/internal/smallfile"
)

// config is what matters here of the configuration of a repository: git-config(1).
type config struct {
	worktree   string // core.worktree; "" if it is not set
	ignoreCase bool   // core.ignoreCase
	sha256     bool   // extensions.objectFormat
	perTree    bool   // extensions.worktreeConfig
}

// configOf reads the configuration in a directory of git. common is where linked working trees
// share it, whose core.worktree is for the main one.
func configOf(git, common string) config {
	var c config
	c.read(filepath.Join(common, "config"))
	if git != common {
		c.worktree = ""
	}
	if c.perTree {
		c.read(filepath.Join(git, "config.worktree"))
	}
	return c
}

// read takes what a file sets; the last value counts. Files that it includes are not read.
func (c *config) read(path string) {
	content, err := smallfile.Read(path, maxGitFile)
	if err != nil {
		return
	}
	section := ""
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "["); ok {
			name, after, _ := strings.Cut(rest, "]")
			section, line = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(after) // a value may follow
		}
		name, value, given := strings.Cut(line, "=")
		if !given {
			value = "true" // a name alone
		}
		c.set(section+"."+strings.ToLower(strings.TrimSpace(name)), configValue(value))
	}
}

func (c *config) set(name, value string) {
	switch name {
	case "core.worktree":
		c.worktree = value
	case "core.ignorecase":
		c.ignoreCase = isTrue(value)
	case "extensions.objectformat":
		c.sha256 = strings.EqualFold(value, "sha256")
	case "extensions.worktreeconfig":
		c.perTree = isTrue(value)
	}
}

func isTrue(value string) bool {
	switch strings.ToLower(value) {
	case "true", "yes", "on", "1":
		return true
	}
	return false
}

// configValue returns a value without quotation marks, escapes, and a comment behind it.
func configValue(raw string) string {
	var value strings.Builder
	quoted := false
	raw = strings.TrimSpace(raw)
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && i+1 < len(raw):
			i++
			value.WriteByte(raw[i])
		case !quoted && (c == '#' || c == ';'):
			return strings.TrimSpace(value.String())
		default:
			value.WriteByte(c)
		}
	}
	return value.String()
}
