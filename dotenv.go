package keyfit

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/keyfit/keyfit/internal/envfile"
	"github.com/keyfit/keyfit/internal/smallfile"
)

// DotEnv returns a source that reads the key from a .env file, by the rules of [Env]: the
// first of names that the file assigns, with NAME_FILE, NAME_EXPIRES,
// NAME_EXPIRES_FILE and NAME_ISSUED. It neither reads nor changes the process environment. A relative path is resolved against
// the working directory when DotEnv is called; parent directories are not searched. The
// file is read each time the source is asked.
//
// A file that NAME_FILE or NAME_EXPIRES_FILE names must lie in the directory of the .env file or below it, also
// after symbolic links; a relative path begins there. Otherwise a .env file could name a
// secret of another program.
//
// The value is taken literally: a $ is a $, and nothing is expanded. If the file cannot be
// parsed, the error gives the line number and none of the content.
func DotEnv(path string, names ...string) Source {
	return variableSource{vars: newDotEnvFile(path), names: names, dated: new(datedKey)}
}

// DotEnvPair returns a source that reads a pair from two entries of a .env file; see
// [EnvPair].
func DotEnvPair(path, idName, keyName string) Source {
	return variableSource{vars: newDotEnvFile(path), names: []string{keyName}, idName: idName, dated: new(datedKey)}
}

// maxDotEnv is far above the size of any .env file written by hand.
const maxDotEnv = 1 << 20

type dotEnvFile struct {
	path    string
	implied bool // the client looks for it unasked, or where WithDotEnv says
}

func newDotEnvFile(path string) dotEnvFile {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return dotEnvFile{path: path}
}

// dotEnvFile returns the file that the client itself looks into.
func (cfg *config) dotEnvFile() dotEnvFile {
	file := newDotEnvFile(cfg.dotenv)
	file.implied = true
	return file
}

func (file dotEnvFile) place(name string) string {
	if name == "" {
		return file.path
	}
	return name + " in " + file.path
}

func (file dotEnvFile) keyFile(path string) Source {
	return confinedFile{dir: filepath.Dir(file.path), path: path}
}

func (file dotEnvFile) readFile(path string, limit int64) ([]byte, error) {
	return confinedFile{dir: filepath.Dir(file.path), path: path}.read(limit)
}

func (file dotEnvFile) dotenv() string { return file.path }

func (file dotEnvFile) load() (func(string) (string, bool), error) {
	lookup, err := file.parse()
	if file.implied && err != nil && !errors.Is(err, ErrNoKey) {
		err = fmt.Errorf("%w; WithoutDotEnv makes the client ignore the file", err)
	}
	return lookup, err
}

func (file dotEnvFile) parse() (func(string) (string, bool), error) {
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
