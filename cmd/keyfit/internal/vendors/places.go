package vendors

import (
	"os"
	"path/filepath"

	"github.com/keyfit/keyfit"
)

// Place is a place where the SDK looks for a vendor's key.
type Place struct {
	Source keyfit.Source
	Path   string // the file that has the key, if the place has one; "" for the environment itself
}

// Places returns the places where the SDK looks for the vendor's key, in its order: the
// environment, then the .env file.
func (v *Vendor) Places(dotenv string) []Place {
	p := v.Provider
	environment := Place{Source: keyfit.Env(p.EnvVar)}
	file := Place{Source: keyfit.DotEnv(dotenv, p.EnvVar), Path: dotenv}
	if p.EnvID != "" {
		environment.Source, file.Source = keyfit.EnvPair(p.EnvID, p.EnvVar), keyfit.DotEnvPair(dotenv, p.EnvID, p.EnvVar)
	}
	environment.Path = os.Getenv(p.EnvVar + "_FILE")
	if named, ok := inDotEnv(dotenv)(p.EnvVar + "_FILE"); ok {
		if file.Path = named; !filepath.IsAbs(named) {
			file.Path = filepath.Join(filepath.Dir(dotenv), named)
		}
	}
	return []Place{environment, file}
}
