// Package mockclient has clients of the mock's admin API for other languages, as files that a
// project copies. They have no dependencies.
package mockclient

import _ "embed"

// File is a client as a file.
type File struct {
	Language string
	Name     string // that its own examples import
	Text     string
}

var (
	//go:embed keyfit-mock.cjs
	node string
	//go:embed keyfit_mock.py
	python string
)

// Files returns the clients, one a language.
func Files() []File {
	return []File{{"node", "keyfit-mock.cjs", node}, {"python", "keyfit_mock.py", python}}
}
