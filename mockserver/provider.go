package mockserver

import "fmt"

// Provider names one of the APIs that the mock plays.
type Provider string

// The five providers.
const (
	Imin     Provider = "imin"
	MindKey  Provider = "mindkey"
	IMKIT    Provider = "imkit"
	Optimove Provider = "optimove"
	Iiniit   Provider = "iiniit"
)

// Providers lists every provider in a fixed order.
func Providers() []Provider { return []Provider{Imin, MindKey, IMKIT, Optimove, Iiniit} }

// ParseProvider is the inverse of string(p). It fails on an unknown name.
func ParseProvider(name string) (Provider, error) {
	for _, p := range Providers() {
		if string(p) == name {
			return p, nil
		}
	}
	return "", fmt.Errorf("mockserver: unknown provider %q", name)
}
