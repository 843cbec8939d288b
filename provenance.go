package keyfit

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/keyfit/keyfit/internal/redact"
	"github.com/keyfit/keyfit/internal/smallfile"
)

// provenance says which files a credential was read from. It is unexported, so that only the
// sources of this package can say it.
type provenance struct {
	dotenv string   // the .env file that has the key or names its file; "" for another place
	files  []string // the files that hold the key or a half of it
	fixed  bool     // the place cannot have another key while the program runs
}

// confinedFile is a key file that a .env file names. It must lie in the directory of the .env
// file or below: a .env file that came with a directory may not name a secret of another
// program.
type confinedFile struct{ dir, path string }

func (inside confinedFile) Credential(context.Context) (Credential, error) {
	content, err := inside.read(maxKeyFile)
	if errors.Is(err, smallfile.ErrOutside) {
		return Credential{}, &sourceError{"file " + inside.absolute(), err}
	}
	return keyOfFile(inside.absolute(), content, err)
}

func (inside confinedFile) absolute() string {
	if filepath.IsAbs(inside.path) {
		return inside.path
	}
	return filepath.Join(inside.dir, inside.path)
}

// read returns the content of the file, of at most limit bytes.
func (inside confinedFile) read(limit int64) ([]byte, error) {
	content, err := smallfile.ReadWithin(inside.dir, inside.absolute(), limit)
	if errors.Is(err, smallfile.ErrOutside) {
		err = fmt.Errorf("%w of the .env file, itself or through a link: move it there, or set the variable in the environment", err)
	}
	return content, err
}

// placeOr returns where the credential was found, or words for it. A source of the caller's
// may have put the key into its place.
func (cred Credential) placeOr() string {
	if cred.Place == "" {
		return "the key that the source offered"
	}
	return redact.New(strings.TrimSpace(cred.ID.Reveal()), strings.TrimSpace(cred.Key.Reveal())).Text(cred.Place)
}
