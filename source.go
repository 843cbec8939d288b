package keyfit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/keyfit/keyfit/internal/smallfile"
)

// Source supplies the current credential. A [Keyring] asks it when the ring is created, and
// again on Reload, on Watch and after a refusal; sending a request does not ask it.
//
// A source that has no credential returns an error that wraps [ErrNoKey], and a [Chain]
// continues with the next one. Any other error means that the source should have a key and
// is broken: a Chain stops there, because silently using a key of lower priority is how a
// test key ends up in production.
//
// A Source must be safe for concurrent use, must observe ctx, and must not put key material
// into its errors.
type Source interface {
	// Credential returns the current credential.
	Credential(ctx context.Context) (Credential, error)
}

// SourceFunc is a function that is a [Source].
type SourceFunc func(ctx context.Context) (Credential, error)

// Credential calls f.
func (f SourceFunc) Credential(ctx context.Context) (Credential, error) { return f(ctx) }

// debouncer is a source that reads a place which somebody may be writing at this moment. A
// new key from it is believed after two equal reads.
type debouncer interface{ debounces() bool }

func debounces(s Source) bool {
	d, ok := s.(debouncer)
	return ok && d.debounces()
}

// Static returns a source of one credential that is given in the program: [APIKey] or
// [KeyPair]. An empty or malformed key is an error when the source is first asked, which is
// in [New].
func Static(c Credential) Source {
	return SourceFunc(func(context.Context) (Credential, error) {
		c, err := c.clean()
		if err != nil {
			return Credential{}, &sourceError{place: placeProgram, err: err}
		}
		if c.Place == "" {
			c.Place = placeProgram
		}
		c.from.fixed = true
		return c, nil
	})
}

const placeProgram = "the key given in the program"

// Env returns a source that reads the key from the process environment: the first of names
// that is set. NAME_FILE in place of NAME gives the path of a file to read it from, as
// containers mount secrets; setting both is an error. NAME_EXPIRES, an RFC 3339 date or
// time, is when the key expires; NAME_EXPIRES_FILE is the path of a file with it. NAME_ISSUED is
// when the key was issued, from which the expiry follows if [Provider.KeyLife] is known. A date
// alone means midnight UTC.
//
// A date belongs to the key for which it was given. If a file has another key and the dates are
// those from before, the new key has none; they are its own if one of them changes with it, up to
// a minute earlier or at any time later. A date in the key file itself (see [File]) takes
// precedence.
//
// White space and quotes around the value are removed. A variable that is set but empty is
// an error that names it, not a missing key.
func Env(names ...string) Source {
	return variableSource{vars: environment{}, names: names, dated: new(datedKey)}
}

// EnvPair returns a source that reads a pair from two variables, each by the rules of
// [Env]. One half without the other is an error.
func EnvPair(idName, keyName string) Source {
	return variableSource{vars: environment{}, names: []string{keyName}, idName: idName, dated: new(datedKey)}
}

// File returns a source that reads a file which contains one key and nothing else: a
// Kubernetes or Docker secret, a systemd credential. White space around the key is removed.
// The file is opened by its path for each read, so a replaced symbolic link is followed.
//
// A file that begins with { is a JSON object with the members that [Exec] reads from the output
// of a command, so that a key and its expiry are replaced in one step:
//
//	{"key": "…", "not_after": "2027-01-31T12:00:00Z"}
//
// Other members are ignored, but not those that look like a misspelt not_after or issued_at
// (expires, notAfter): they are an error, as is an object that is cut short.
func File(path string) Source { return fileSource(path) }

// Chain returns a source that asks sources in order and returns what the first one with a
// key returns, including the other keys that a [VersionedSource] knows. If none has a key,
// the error is a [*NoKeyError] that lists every place tried and the reason.
func Chain(sources ...Source) Source {
	sources = slices.Clone(sources)
	return chain{func() []Source { return sources }}
}

// chain keeps its sources where no printer looks: one of the caller's may hold a key in a field.
type chain struct{ sources func() []Source }

func (ch chain) Credential(ctx context.Context) (Credential, error) {
	return firstOf(ctx, ch.sources(), func(ctx context.Context, s Source) (Credential, error) { return s.Credential(ctx) })
}

// Versions returns everything that the first source with a key knows: see
// [VersionedSource].
func (ch chain) Versions(ctx context.Context) (Versions, error) {
	return firstOf(ctx, ch.sources(), versionsOf)
}

// firstOf asks one source after the other until one returns a result.
func firstOf[T any](ctx context.Context, sources []Source, ask func(context.Context, Source) (T, error)) (nothing T, _ error) {
	none := &NoKeyError{}
	for i, s := range sources {
		if s == nil {
			s = SourceFunc(func(context.Context) (Credential, error) { return Credential{}, errNilSource })
		}
		found, err := ask(ctx, s)
		if err == nil {
			return found, nil
		}
		none.add(i, s, err)
		if none.broken = isBroken(err); none.broken {
			break
		}
	}
	return nothing, none
}

var errNilSource = errors.New("the source is nil")

// isBroken reports whether a source should have had a key: then neither this Chain nor a
// Chain around it may continue.
func isBroken(err error) bool {
	if none, ok := errors.AsType[*NoKeyError](err); ok {
		return none.broken
	}
	return !errors.Is(err, ErrNoKey)
}

func (ch chain) debounces() bool { return slices.ContainsFunc(ch.sources(), debounces) }

// sourceError says which place has no usable key, and why. It contains nothing of the
// place's content.
type sourceError struct {
	place string
	err   error
}

func (e *sourceError) Error() string { return e.place + ": " + e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }

var (
	errNoDate   = errors.New("not an RFC 3339 date (2027-01-31) or time (2027-01-31T12:00:00Z)")
	errNotSet   = fmt.Errorf("not set (%w)", ErrNoKey)
	errHalfPair = errors.New("not set, and half a pair is no credential")

	errPairInHalf = errors.New("the file has both halves of a pair (the members key and id), and another variable names one of them: give each half its own file")
)

// variables is a place of named values: the process environment, or a .env file.
type variables interface {
	// load returns a lookup function over one consistent reading of the place.
	load() (lookup func(name string) (value string, ok bool), err error)
	// place describes the variable for a person.
	place(name string) string
	// keyFile returns the source of the key file that a variable names.
	keyFile(path string) Source
	// readFile reads a file that a variable names, of at most limit bytes.
	readFile(path string, limit int64) ([]byte, error)
	// dotenv returns the path of the .env file; "" for the environment.
	dotenv() string
}

type environment struct{}

func (environment) load() (func(string) (string, bool), error) { return os.LookupEnv, nil }
func (environment) place(name string) string                   { return "environment variable " + name }
func (environment) keyFile(path string) Source                 { return File(path) }
func (environment) readFile(path string, limit int64) ([]byte, error) {
	return smallfile.Read(path, limit)
}
func (environment) dotenv() string { return "" }

// variableSource reads a key, or a pair if idName is set, from variables.
type variableSource struct {
	vars   variables
	names  []string
	idName string
	dated  *datedKey // shared by the copies of the source
}

func (vs variableSource) debounces() bool { return true }

func (vs variableSource) Credential(ctx context.Context) (Credential, error) {
	names := strings.Join(vs.names, ", ")
	if vs.idName != "" {
		names = vs.idName + " and " + names
	}
	lookup, err := vs.vars.load()
	if err != nil {
		return Credential{}, &sourceError{vs.vars.place(names), err}
	}
	for _, name := range vs.names {
		cred, err := vs.read(ctx, lookup, name)
		if errors.Is(err, ErrNoKey) {
			continue
		}
		return cred, err
	}
	return Credential{}, &sourceError{vs.vars.place(names), errNotSet}
}

func (vs variableSource) read(ctx context.Context, lookup func(string) (string, bool), name string) (Credential, error) {
	key, err := vs.value(ctx, lookup, name)
	if vs.idName != "" {
		id, idErr := vs.value(ctx, lookup, vs.idName)
		switch {
		case errors.Is(err, ErrNoKey) && !errors.Is(idErr, ErrNoKey):
			return Credential{}, &sourceError{vs.vars.place(name), fmt.Errorf("%w: %s has the other half", errHalfPair, vs.idName)}
		case errors.Is(idErr, ErrNoKey) && !errors.Is(err, ErrNoKey):
			return Credential{}, &sourceError{vs.vars.place(vs.idName), fmt.Errorf("%w: %s has the other half", errHalfPair, name)}
		case idErr != nil && err == nil:
			return Credential{}, idErr
		case err == nil:
			if !key.ID.IsZero() || !id.ID.IsZero() {
				return Credential{}, &sourceError{vs.vars.place(name), errPairInHalf}
			}
			key.ID, key.Place = id.Key, vs.vars.place(vs.idName+" and "+name)
			key.from.files, key.from.fixed = append(key.from.files, id.from.files...), key.from.fixed && id.from.fixed
		}
	}
	if err != nil {
		return Credential{}, err
	}
	return vs.dates(key, lookup, name)
}

// value reads NAME, or the file that NAME_FILE names.
func (vs variableSource) value(ctx context.Context, lookup func(string) (string, bool), name string) (Credential, error) {
	raw, direct := lookup(name)
	path, viaFile := lookup(name + "_FILE")
	switch {
	case direct && viaFile:
		return Credential{}, &sourceError{vs.vars.place(name), fmt.Errorf("both %[1]s and %[1]s_FILE are set: unset one", name)}
	case viaFile && path == "":
		return Credential{}, &sourceError{vs.vars.place(name + "_FILE"), errKeyEmpty}
	case viaFile:
		cred, err := vs.vars.keyFile(path).Credential(ctx)
		if err != nil {
			// A file that is configured must exist: a Chain must not continue without it.
			return Credential{}, &sourceError{vs.vars.place(name + "_FILE"), errors.New(err.Error())}
		}
		cred.Place += ", named by " + vs.vars.place(name+"_FILE")
		cred.from.dotenv = vs.vars.dotenv()
		return cred, nil
	case !direct:
		return Credential{}, &sourceError{vs.vars.place(name), errNotSet}
	}
	key, err := cleanKey(raw)
	if err != nil {
		return Credential{}, &sourceError{vs.vars.place(name), err}
	}
	cred := Credential{Key: NewSecret(key), Place: vs.vars.place(name)}
	cred.from = provenance{fixed: true}
	if file := vs.vars.dotenv(); file != "" {
		cred.from = provenance{dotenv: file, files: []string{file}}
	}
	return cred, nil
}

// keySource returns the source that a client gets its key from: the given one, or else the
// environment and then .env.
func (cfg *config) keySource(p *Provider) Source {
	if cfg.keys != nil {
		return cfg.keys
	}
	if p.EnvVar == "" {
		return Chain()
	}
	sources := []Source{variableSource{vars: environment{}, names: []string{p.EnvVar}, idName: p.EnvID, dated: new(datedKey)}}
	if !cfg.noDotenv {
		sources = append(sources, variableSource{vars: cfg.dotEnvFile(), names: []string{p.EnvVar}, idName: p.EnvID, dated: new(datedKey)})
	}
	return Chain(sources...)
}

type fileSource string

// maxKeyFile is far above any key and keeps a wrong path from filling memory.
const maxKeyFile = 64 << 10

func (path fileSource) debounces() bool { return true }

func (path fileSource) Credential(context.Context) (Credential, error) {
	content, err := smallfile.Read(string(path), maxKeyFile)
	return keyOfFile(string(path), content, err)
}

// keyOfFile returns the key that a file contains, or why it has none; err is that of reading
// it.
func keyOfFile(path string, content []byte, err error) (Credential, error) {
	place := "file " + path
	if errors.Is(err, fs.ErrNotExist) {
		return Credential{}, &sourceError{place, fmt.Errorf("does not exist (%w)", ErrNoKey)}
	}
	if err != nil {
		return Credential{}, &sourceError{place, err}
	}
	cred, err := parseKeyFile(content)
	if err != nil {
		return Credential{}, &sourceError{place, err}
	}
	cred.Place, cred.from = place, provenance{files: []string{path}}
	return cred, nil
}
