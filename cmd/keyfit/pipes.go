package main

import (
	"os"

	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/mockserver/apifile"
)

// pipes are what was read from pipes, such as the shell makes of <(command): they have
// nothing more for a reload, which keeps what they said.
type pipes struct {
	apis     map[string]apifile.Description
	scenario *mockserver.Scenario
}

// describe reads a file of --api, a pipe only once.
func (p *pipes) describe(path string) (apifile.Description, error) {
	if known, ok := p.apis[path]; ok {
		return known, nil
	}
	piped := isPipe(path)
	described, err := apifile.Load(path)
	if err == nil && piped {
		if p.apis == nil {
			p.apis = make(map[string]apifile.Description)
		}
		p.apis[path] = described
	}
	return described, err //nolint:wrapcheck // the caller says for what
}

// isPipe reports whether a path is a pipe, or another file that can be read once.
func isPipe(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&(os.ModeNamedPipe|os.ModeCharDevice|os.ModeSocket) != 0
}
