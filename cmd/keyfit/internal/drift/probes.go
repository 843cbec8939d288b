package drift

import (
	"net/http"
	"strings"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/vendors"
	"github.com/keyfit/keyfit/mockserver"
)

// half says which part of a profile refuses.
type half int

const (
	whole half = iota
	client
	token
	bearer
)

// probe is one question to an API: a GET, and what is done to its credential.
type probe struct {
	sent    string // in words
	path    string // in place of the vendor's call; "" is that
	outcome mockserver.Outcome
	half    half
	send    func(w *wire, h http.Header)
}

// unknownPath is a path that no API has.
const unknownPath = "/keyfit-drift/no-such-path"

// probesOf are the questions to a vendor. None has an effect, and only those that need it send
// the good key; no wrong key is sent twice.
func probesOf(v *vendors.Vendor) []probe {
	place := placeOf(v)
	all := []probe{
		{sent: "the key"},
		{sent: "no key", outcome: mockserver.MissingKey, send: remove},
		{sent: "an unknown key of the right shape", outcome: mockserver.UnknownKey, send: replace(place...)},
		{sent: "an unknown key in another header", outcome: mockserver.WrongHeader, send: elsewhere},
		{sent: "the key, and an unknown one", outcome: mockserver.DuplicateKey, send: double},
		{sent: "the key, an unknown path", path: unknownPath, outcome: mockserver.NotFound},
		{sent: "no key, an unknown path", path: unknownPath, send: remove},
	}
	if place[len(place)-1] == "Authorization" {
		all = append(all,
			probe{sent: "an unknown key behind another scheme word", outcome: mockserver.WrongScheme, send: anotherWord},
			probe{sent: "the key, the scheme word in small letters", send: smallWord})
	}
	if len(place) == 2 {
		all = append(all,
			probe{sent: "an unknown key, a good token", outcome: mockserver.UnknownKey, half: client, send: replace(place[0])},
			probe{sent: "a good key, an unknown token", outcome: mockserver.UnknownKey, half: token, send: replace(place[1])},
			probe{sent: "the key without the token", outcome: mockserver.MissingPair, half: token, send: without(place[1])},
			probe{sent: "the token without the key", outcome: mockserver.MissingPair, half: client, send: without(place[0])})
	}
	if v.Name == "iiniit-token" {
		for i := range all {
			if all[i].outcome == mockserver.UnknownKey || all[i].outcome == mockserver.NotFound {
				all[i].half = bearer // the mock sees a token in these
			}
		}
	}
	return all
}

// placeOf names the headers of the vendor's credential.
func placeOf(v *vendors.Vendor) []string {
	names := strings.Split(v.Scheme, ", ")
	for i := range names {
		name, _, _ := strings.Cut(names[i], ":")
		names[i] = http.CanonicalHeaderKey(name)
	}
	return names
}

func remove(w *wire, h http.Header) {
	for _, name := range w.place {
		h.Del(name)
	}
}

func without(name string) func(*wire, http.Header) {
	return func(_ *wire, h http.Header) { h.Del(name) }
}

func replace(names ...string) func(*wire, http.Header) {
	return func(w *wire, h http.Header) {
		for _, name := range names {
			h[name] = []string{w.madeUp.Get(name)}
		}
	}
}

func elsewhere(w *wire, h http.Header) {
	remove(w, h)
	name := "X-Api-Key"
	if w.place[0] == name {
		name = "Api-Key"
	}
	h[name] = []string{bare(w.madeUp.Get(w.place[0]))}
}

func double(w *wire, h http.Header) {
	name := w.place[0]
	h[name] = append(h[name], w.madeUp.Get(name))
}

func anotherWord(w *wire, h http.Header) {
	h["Authorization"] = []string{"Token " + bare(w.madeUp.Get("Authorization"))}
}

func smallWord(_ *wire, h http.Header) {
	if word, key, ok := strings.Cut(h.Get("Authorization"), " "); ok {
		h["Authorization"] = []string{strings.ToLower(word) + " " + key}
	}
}

// bare is a credential without the word of its scheme.
func bare(value string) string {
	if _, key, ok := strings.Cut(value, " "); ok {
		return key
	}
	return value
}
