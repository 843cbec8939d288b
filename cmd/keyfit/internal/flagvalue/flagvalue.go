// Package flagvalue has the kinds of values that flags take. Each checks a value where it is
// given and says what is allowed, in words of the command line.
package flagvalue

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
)

// value is a flag's value of any kind: how it is read, and what is stored.
type value struct {
	text  string             // as it was given, or the default
	kind  string             // the word for it in --help, if the usage has none
	names []string           // the names that are allowed, if it is one of a few
	parse func(string) error // stores the value, or returns what is wrong with it
}

func (v *value) String() string { return v.text }
func (v *value) Type() string   { return v.kind }

// Names are the values that are allowed, for completion; nil if they are not a few names.
func (v *value) Names() []string { return v.names }

func (v *value) Set(text string) error {
	if err := v.parse(text); err != nil {
		return err
	}
	v.text = text
	return nil
}

// Names returns the names that a flag takes; nil if it takes others.
func Names(f *pflag.Flag) []string {
	if v, ok := f.Value.(interface{ Names() []string }); ok {
		return v.Names()
	}
	return nil
}

// Choice adds a flag that takes one of a few names, in any case of letters.
func Choice[T ~string](f *pflag.FlagSet, to *T, name string, names []T, usage string) {
	v := &value{text: string(*to), kind: "string"}
	for _, n := range names {
		v.names = append(v.names, string(n))
	}
	v.parse = func(text string) error {
		found, err := Find(text, v.names)
		*to = T(found)
		return err
	}
	f.Var(v, name, usage)
}

// Find returns the name that a text is, in any case of letters.
func Find(text string, names []string) (string, error) {
	i := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, strings.TrimSpace(text)) })
	if i < 0 {
		return "", cli.Unknown("", text, names)
	}
	return names[i], nil
}

// Text adds a flag of text that read brings into its form, or refuses.
func Text(f *pflag.FlagSet, to *string, name, usage string, read func(string) (string, error)) {
	f.Var(&value{text: *to, kind: "string", parse: func(text string) error {
		read, err := read(text)
		if err == nil {
			*to = read
		}
		return err
	}}, name, usage)
}
