// Package keyplaces finds every place that has a key of the vendors, also those that the SDK does
// not come to because an earlier place has one: the environment, .env, the files that these name,
// and what else lies beside .env. It says which of them have the same key, and which have one that
// is not used.
//
// No result holds a key. A place that cannot be read has none here: the check of its vendor says
// what is wrong with it.
package keyplaces

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/keycheck"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/vendors"
	"github.com/keyfit/keyfit/internal/envfile"
	"github.com/keyfit/keyfit/internal/smallfile"
)

// place is one place that has a key.
type place struct {
	vendor string
	name   string // as [keyfit.Credential.Place] says it
	path   string // the file with the key; "" if it is in the environment itself
	key    keyfit.Credential
}

// Places are the places that have keys.
type Places struct {
	found  []place
	dotenv string
	nearby map[string][]byte // contents, by path: .env and the files beside it whose names begin like its own
}

// Bounds of what is read beside .env.
const (
	maxNearby = 32
	maxFile   = 1 << 20
)

// Find looks into the environment and into a .env file for the keys of all vendors.
func Find(ctx context.Context, dotenv string) *Places {
	p := &Places{dotenv: absolute(dotenv), nearby: map[string][]byte{}}
	for _, v := range vendors.All() {
		for _, s := range v.Places(dotenv) {
			if cred, err := s.Source.Credential(ctx); err == nil {
				p.found = append(p.found, place{v.Name, cred.Place, s.Path, cred})
			}
		}
	}
	for _, path := range beside(p.dotenv) {
		if content, err := smallfile.Read(path, maxFile); err == nil {
			p.nearby[path] = content
		}
	}
	return p
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// beside returns .env and, at most, [maxNearby] regular files whose names begin with its own,
// such as .env.bak and .env.local.
func beside(dotenv string) []string {
	paths := []string{dotenv}
	entries, err := os.ReadDir(filepath.Dir(dotenv))
	if err != nil {
		return paths
	}
	for _, e := range entries {
		if path := filepath.Join(filepath.Dir(dotenv), e.Name()); e.Type().IsRegular() && path != dotenv &&
			strings.HasPrefix(e.Name(), filepath.Base(dotenv)) && len(paths) <= maxNearby {
			paths = append(paths, path)
		}
	}
	return paths
}

// Describe adds to a result the mode of the key's file, the other places with the same key, and
// the keys of the vendor that are not used.
func (p *Places) Describe(r *keycheck.Result) {
	used := slices.IndexFunc(p.found, func(at place) bool { return at.vendor == r.Vendor && at.name == r.Place })
	if used < 0 {
		return
	}
	mine := p.found[used]
	r.Mode = mode(mine.path)
	for i, other := range p.found {
		switch {
		case i == used:
		case shares(mine.key, other.key):
			name := other.name
			if other.vendor != r.Vendor {
				name += ", as a key of " + other.vendor
			}
			r.AlsoIn = append(r.AlsoIn, name)
		case other.vendor == r.Vendor:
			r.NotUsed = append(r.NotUsed, keycheck.Other{Place: other.name, Fingerprint: other.key.Fingerprint()})
		}
	}
	for _, path := range beside(p.dotenv) {
		if lines := p.mentions(path, mine.key); len(lines) > 0 {
			r.AlsoIn = append(r.AlsoIn, envfile.Describe(lines)+" of "+path)
		}
	}
}

// mentions returns the lines of a file that have a secret of a key, but those of .env that a
// vendor's variable is on: they are places of their own.
func (p *Places) mentions(path string, key keyfit.Credential) []int {
	var lines []int
	for _, secret := range secrets(key) {
		lines = append(lines, envfile.Mentions(p.nearby[path], secret)...)
	}
	slices.Sort(lines)
	lines = slices.Compact(lines)
	if path != p.dotenv {
		return lines
	}
	assignments, err := envfile.Parse(p.nearby[path])
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(lines, func(line int) bool {
		return slices.ContainsFunc(assignments, func(a envfile.Assignment) bool {
			kind, _ := vendors.Classify(a.Name)
			return a.Line == line && kind == vendors.Read
		})
	})
}

// secrets are the halves of a pair, or the key.
func secrets(c keyfit.Credential) []string {
	all := []string{c.Key.Reveal()}
	if !c.ID.IsZero() {
		all = append(all, c.ID.Reveal())
	}
	return all
}

// shares reports whether two credentials have a secret in common.
func shares(a, b keyfit.Credential) bool {
	of := secrets(b)
	return slices.ContainsFunc(secrets(a), func(s string) bool { return slices.Contains(of, s) })
}
