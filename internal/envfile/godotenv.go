package envfile

import (
	"strings"

	"github.com/joho/godotenv"
)

// interpret returns the name and the value of one assignment as godotenv reads it, but
// without the expansion of $NAME.
func interpret(content []byte, at span) (name, value string, ok bool) {
	text := string(content[at.start:at.to])
	if at.quote != '\'' { // single quotes: godotenv expands nothing there
		text = escapeDollars(text)
	}
	vars, err := godotenv.Unmarshal(text)
	if err != nil || len(vars) != 1 {
		return "", "", false // err quotes the file
	}
	for name, value = range vars {
		if at.quote == '\'' {
			value = strings.ReplaceAll(value, `\$`, "$")
		}
	}
	return name, value, name != ""
}

// escapeDollars puts a backslash before every $ that has none: godotenv takes it off again
// and leaves the $ alone.
func escapeDollars(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if text[i] == '$' && (i == 0 || text[i-1] != '\\') {
			b.WriteByte('\\')
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// godotenvReads reports whether godotenv itself, which other programs read the file with,
// finds the value for name in a piece of a file.
func godotenvReads(piece []byte, name, value string) bool {
	vars, err := godotenv.UnmarshalBytes(piece)
	got, ok := vars[name]
	return err == nil && ok && got == value
}
