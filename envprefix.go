package keyfit

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/keyfit/keyfit/internal/envfile"
	"github.com/keyfit/keyfit/internal/smallfile"
)

// WithEnvPrefix makes the client read the variables of one product of several that use the same
// provider: with "IMIN_WEB" it reads IMIN_WEB_API_KEY instead of IMIN_API_KEY, in the process
// environment as in .env, and likewise the variables that belong to it, IMIN_WEB_BASE_URL and
// IMIN_WEB_API_KEY_FILE. It never falls back to the key of another product; without a base URL
// of the product, that of the provider's own variable in the process environment holds.
//
// The prefix takes the place of the provider's name at the beginning of its variables, or of
// what stands before their first underscore. If a variable of another product has the same
// key, New reports [KeyShared]. imin asks for one key for each product. Source: docs.imin.co,
// Authentication.
func WithEnvPrefix(prefix string) Option {
	return one("WithEnvPrefix", func(c *config) error {
		c.envPrefix = strings.TrimSuffix(prefix, "_")
		return validEnvPrefix(c.envPrefix)
	})
}

func validEnvPrefix(prefix string) error {
	for i := range len(prefix) {
		b := prefix[i]
		letter := 'A' <= b && b <= 'Z' || 'a' <= b && b <= 'z' || b == '_'
		if !letter && (i == 0 || b < '0' || b > '9') {
			return fmt.Errorf("%q is not the beginning of a variable's name, as IMIN_WEB is", prefix)
		}
	}
	if prefix == "" {
		return errors.New("the prefix is empty")
	}
	return nil
}

// product is which variables of a provider belong to one product.
type product struct {
	stem   string // what the prefix replaces: IMIN_
	suffix string // of the variable with the key, behind the stem: API_KEY
}

// rename gives the provider the variables of the product of the configuration.
func (cfg *config) rename(p *Provider) (product, error) {
	if cfg.envPrefix == "" {
		return product{}, nil
	}
	if p.EnvVar == "" {
		return product{}, errors.New("WithEnvPrefix: the provider names no variable")
	}
	stem := envStem(p)
	of := product{stem: stem, suffix: strings.TrimPrefix(p.EnvVar, stem)}
	shared := p.EnvURL
	for _, name := range [...]*string{&p.EnvVar, &p.EnvID, &p.EnvURL} {
		if rest, ok := strings.CutPrefix(*name, stem); ok && *name != "" {
			*name = cfg.envPrefix + "_" + rest
		}
	}
	if _, own := os.LookupEnv(p.EnvURL); !own && shared != "" {
		if _, given := os.LookupEnv(shared); given {
			p.EnvURL = shared
		}
	}
	return of, nil
}

// envStem returns what the names of a provider's variables begin with: its own name, or what
// stands before the first underscore.
func envStem(p *Provider) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		}
		return '_'
	}, p.Name) + "_"
	if strings.HasPrefix(p.EnvVar, name) {
		return name
	}
	before, _, found := strings.Cut(p.EnvVar, "_")
	if !found {
		return ""
	}
	return before + "_"
}

// reportShared reports the variables of other products that have the client's key.
func (c *Client) reportShared(cfg *config, of product) {
	if of.suffix == "" || cfg.ring != nil { // who created the ring has reported it
		return
	}
	cred := credentialOf(c.ring.engine.Load().Pick(true).Key)
	same := func(name, value string) bool {
		key, err := cleanKey(value)
		return err == nil && name != c.provider.EnvVar && strings.HasPrefix(name, of.stem) && strings.HasSuffix(name, of.suffix) && key == cred.Key.Reveal()
	}
	reported := map[string]bool{}
	report := func(name, place string) {
		if reported[name] {
			return
		}
		reported[name] = true
		cfg.observer.key(KeyEvent{
			Kind: KeyShared, Time: time.Now(), Provider: c.provider.Name, Fingerprint: cred.Fingerprint(),
			Reason: fmt.Sprintf("%s has the key of %s: give each product its own key, so that one can be revoked alone", place, cred.placeOr()),
		})
	}
	for _, pair := range os.Environ() {
		if name, value, _ := strings.Cut(pair, "="); same(name, value) {
			report(name, environment{}.place(name))
		}
	}
	if cfg.noDotenv || cfg.keys != nil { // as for the key itself
		return
	}
	file := newDotEnvFile(cfg.dotenv)
	content, err := smallfile.Read(file.path, maxDotEnv)
	if err != nil {
		return // the key is from another place
	}
	assignments, _ := envfile.Parse(content)
	for _, a := range assignments {
		if same(a.Name, a.Value) {
			report(a.Name, file.place(a.Name))
		}
	}
}
