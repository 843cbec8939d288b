package vendors

import (
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/envfile"
	"github.com/keyfit/keyfit/internal/smallfile"
)

// Variable says what an environment variable has to do with a vendor.
type Variable int

// What a variable is.
const (
	Foreign    Variable = iota // of no vendor, or of a vendor and neither a credential nor an address
	Credential                 // by its name, a vendor's credential or address that the SDK does not read
	Read                       // one that the SDK reads, or one that belongs to it, such as IMKIT_API_KEY_FILE
)

// Classify says what the variable of that name is, in any case of letters, and to which
// provider it belongs: "imkit" for IMKIT_API_KEY. The names come from the providers
// themselves: those that the SDK reads (Provider.Env…), with everything that begins like one of
// them (_FILE, _EXPIRES, _ISSUED, _2, _OLD), and of the rest with the same first word those
// whose name speaks of a secret or an address (IINIIT_CLIENT_SECRET, OPTIMOVE_HOST, IMKITTOKEN).
// A hyphen and a dot are read as an underscore.
func Classify(name string) (kind Variable, provider string) { return ClassifyWith(name, nil) }

// ClassifyWith is Classify that knows APIs of one's own as well, by name: "acme-pay" has
// ACME_PAY_API_KEY, ACME_PAY_CLIENT_KEY, ACME_PAY_USER_TOKEN and ACME_PAY_BASE_URL.
func ClassifyWith(name string, own []string) (kind Variable, provider string) {
	name = spelt(name)
	judge := func(v, word, of string) (found bool) {
		switch rest, ok := strings.CutPrefix(name, word); {
		case name == v || strings.HasPrefix(name, v+"_"):
			kind, provider = Read, of
			return true
		case ok && tells(rest):
			kind, provider = Credential, of
		}
		return false
	}
	for _, api := range own {
		for _, end := range []string{"_API_KEY", "_CLIENT_KEY", "_USER_TOKEN", "_BASE_URL"} {
			if word := spelt(api); judge(word+end, word, api) {
				return kind, provider
			}
		}
	}
	all := All()
	for i := range all {
		for _, v := range variables(&all[i].Provider) {
			if word, _, _ := strings.Cut(v, "_"); judge(v, word, all[i].Provider.Name) {
				return kind, provider
			}
		}
	}
	return kind, provider
}

// spelt is a name as environment variables are written.
func spelt(name string) string {
	return strings.NewReplacer("-", "_", ".", "_").Replace(strings.ToUpper(name))
}

// variables are the variables that the SDK reads for a provider.
func variables(p *keyfit.Provider) []string {
	names := []string{p.EnvVar, p.EnvID, p.EnvURL}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}

// tells reports whether the rest of a name, behind the first word, speaks of a secret or of an
// address. Without an underscore between them it has to begin so, because the first word may be
// the beginning of another one.
func tells(rest string) bool {
	if rest == "" {
		return false
	}
	if rest, ok := strings.CutPrefix(rest, "_"); ok {
		return slices.Contains(short(), rest) || slices.ContainsFunc(telling(), func(part string) bool { return strings.Contains(rest, part) })
	}
	return slices.ContainsFunc(append(telling(), "API"), func(part string) bool { return strings.HasPrefix(rest, part) })
}

// short are the names that speak of a secret or of an address if nothing else is there.
func short() []string { return []string{"API", "BASE", "CERT", "CONFIG", "USER", "ID"} }

// telling are the parts of a name that speak of a secret or of an address.
func telling() []string {
	return []string{
		"KEY", "TOKEN", "SECRET", "PASS", "PWD", "CREDENTIAL", "AUTH", "BEARER", "COOKIE", "SESSION", "JWT", "SIGN", "CLIENT",
		"REFRESH", "PRIVATE", "LOGIN", "USERNAME", "ACCOUNT", "DSN", "CONNECTION",
		"DOMAIN", "URL", "URI", "HOST", "ENDPOINT", "ORIGIN", "SERVER", "ADDR",
	}
}

// KeysInDotEnv names the key variables that a .env file sets, itself or by _FILE, for the
// providers of which wanted reports true. It returns nil for a file that cannot be read.
func KeysInDotEnv(path string, wanted func(provider string) bool) []string {
	lookup := inDotEnv(path)
	var found []string
	for _, v := range All() {
		for _, name := range []string{v.Provider.EnvVar, v.Provider.EnvID} {
			_, direct := lookup(name)
			_, viaFile := lookup(name + "_FILE")
			if name != "" && (direct || viaFile) && wanted(v.Provider.Name) {
				found = append(found, name)
			}
		}
	}
	return found
}

// DotEnvError returns what is wrong with a .env file that cannot be read, or whose text is none;
// nil if there is no such file.
func DotEnvError(path string) error {
	content, err := smallfile.Read(path, maxDotEnv)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		_, err = envfile.Parse(content)
	}
	return err //nolint:wrapcheck // the caller names the file
}

// maxDotEnv is far above the size of any .env file written by hand.
const maxDotEnv = 1 << 20

// HasAddress reports whether a .env file sets the vendor's base URL. It is false for a file that
// cannot be read.
func (v *Vendor) HasAddress(path string) bool {
	value, _ := inDotEnv(path)(v.Provider.EnvURL)
	return strings.TrimSpace(value) != ""
}

// inDotEnv returns how to look up a name in a .env file; one that cannot be read has none.
func inDotEnv(path string) func(name string) (string, bool) {
	content, err := smallfile.Read(path, maxDotEnv)
	if err == nil {
		if assignments, err := envfile.Parse(content); err == nil {
			return assignments.Lookup
		}
	}
	return func(string) (string, bool) { return "", false }
}
