package keyfit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/keyfit/keyfit/internal/envfile"
	"github.com/keyfit/keyfit/internal/smallfile"
)

// DotEnv offers the key in a .env file, by the rules of [Env]: the first of names that is
// in it, NAME_FILE, NAME_EXPIRES and NAME_ISSUED beside it. The process environment is
// neither read nor written. A relative path is taken from the working directory at the
// time of the call, and is not searched for in parent folders.
//
// The value is what stands in the file: a $ in it is a $, and nothing is expanded. A file
// that cannot be parsed gets an error with the line number and none of its content.
func DotEnv(path string, names ...string) Source {
	return variableSource{vars: newDotEnvFile(path), names: names}
}

// DotEnvPair offers the pair whose halves are in two entries of a .env file; see [EnvPair].
func DotEnvPair(path, idName, keyName string) Source {
	return variableSource{vars: newDotEnvFile(path), names: []string{keyName}, idName: idName}
}

// maxDotEnv is far above any .env file that a person wrote.
const maxDotEnv = 1 << 20

type dotEnvFile struct{ path string }

func newDotEnvFile(path string) dotEnvFile {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return dotEnvFile{path: path}
}

func (file dotEnvFile) place(name string) string {
	if name == "" {
		return file.path
	}
	return name + " in " + file.path
}

func (file dotEnvFile) load() (func(string) (string, bool), error) {
	content, err := smallfile.Read(file.path, maxDotEnv)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the file does not exist (%w)", ErrNoKey)
	}
	if err != nil {
		return nil, err
	}
	assignments, err := envfile.Parse(content)
	if err != nil {
		return nil, err
	}
	return assignments.Lookup, nil
}

// lookupVariable reads one variable that is not a key, such as a base URL, from the
// process environment or else from the .env file. A missing file is not an error here.
func lookupVariable(_ context.Context, name string, places ...variables) (value, place string, err error) {
	for _, vars := range places {
		lookup, err := vars.load()
		if errors.Is(err, ErrNoKey) {
			continue
		}
		if err != nil {
			return "", "", &sourceError{vars.place(name), err}
		}
		if value, ok := lookup(name); ok && strings.TrimSpace(value) != "" {
			return strings.TrimSpace(value), vars.place(name), nil
		}
	}
	return "", "", nil
}
