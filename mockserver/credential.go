package mockserver

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
)

// credKind is the kind of credential that a carrier holds.
type credKind uint8

const (
	credKey    credKind = iota // a key, complete by itself
	credClient                 // the first half of a pair
	credToken                  // the second half of a pair
	credBearer                 // an OAuth access token
)

// The halves of a pair, as bits.
const (
	clientHalf = 1 << iota
	tokenHalf
	noHalf
)

// half is the half of a pair that a credential of the kind is.
func (k credKind) half() int {
	switch k {
	case credClient:
		return clientHalf
	case credToken:
		return tokenHalf
	default:
		return noHalf
	}
}

// credentials is what a request presents where the vendor reads credentials.
type credentials struct {
	kind    credKind
	value   string   // the key, client key or bearer token
	token   string   // the user token of a pair
	blame   credKind // which half of a pair a refusal is about
	outcome Outcome
	sent    string // set with a refusal
	why     string
}

// readCredentials finds the credential of a request in the headers and, for a
// vendor that documents it, in the query. sent and why never contain a value.
func readCredentials(v *vendor, r *http.Request) credentials {
	var c credentials
	found, pair, gaps, schemed := 0, 0, 0, 0
	var empty, scheme string
	for i := range v.carriers {
		place := &v.carriers[i]
		values := place.values(r)
		for _, value := range values {
			if place.scheme != "" {
				word, rest, _ := strings.Cut(value, " ")
				if !strings.EqualFold(word, place.scheme) { // scheme words are case-insensitive, RFC 9110 11.1
					scheme = value
					continue
				}
				value = place.behindScheme(rest)
				schemed++
			}
			if value == "" {
				empty = place.String()
				gaps |= place.kind.half()
				continue
			}
			pair |= place.kind.half() & (clientHalf | tokenHalf)
			switch place.kind {
			case credToken:
				c.token = value
			case credClient:
				c.kind, c.value = credClient, value
			default:
				c.kind, c.value = place.kind, value
			}
			found++
		}
	}
	if found == 0 {
		c.absent(v, r, empty, scheme)
		return c
	}
	if v.reads("Authorization") && len(r.Header["Authorization"]) > schemed {
		found++ // another scheme, or none, where the vendor reads a credential: a credential too
	}
	c.count(v, found, pair, gaps)
	return c
}

// count judges how many credentials were found, which halves of a pair are among them, and
// what is empty.
func (creds *credentials) count(v *vendor, found, pair, gaps int) {
	if found == 1 && pair != 0 {
		gaps &= pair | noHalf // an empty other half is a missing one
	}
	if gaps != 0 {
		found++ // an empty field where the vendor reads a credential is one too
	}
	switch {
	case found == 1 && pair == 0, found == 2 && pair == clientHalf|tokenHalf:
		creds.outcome = OK
	case found == 1:
		half, other := v.halves()
		creds.blame = credClient
		if pair == tokenHalf {
			half, other, creds.blame = other, half, credToken
		}
		creds.refuse(MissingPair, half, "sent "+half+" without "+other+"; a user-level call wants both")
	default:
		why := "sent more than one credential in one request"
		if gaps != 0 {
			why += ", one of them empty"
		}
		creds.refuse(DuplicateKey, "several credentials", why+"; "+v.title+" wants "+v.want)
	}
}

func (place *carrier) values(r *http.Request) []string {
	if place.header != "" {
		return r.Header[place.header]
	}
	if place.cookie != "" {
		return place.cookies(r)
	}
	if !strings.Contains(r.URL.RawQuery, place.query) {
		return nil
	}
	q, _ := url.ParseQuery(r.URL.RawQuery) // an invalid part is ignored: it is no credential
	return q[place.query]
}

// cookies are the values of the cookie that carries a key.
func (place *carrier) cookies(r *http.Request) (values []string) {
	if len(r.Header["Cookie"]) == 0 {
		return nil
	}
	for _, c := range r.CookiesNamed(place.cookie) {
		values = append(values, c.Value)
	}
	return values
}

func (creds *credentials) refuse(o Outcome, sent, why string) {
	creds.outcome, creds.sent, creds.why = o, sent, why
}

// foreign lists the headers in which other vendors, and people by mistake, put
// keys. A diagnosis names the header only.
func foreign() []string {
	return []string{
		"X-Api-Key", "Authorization", "Im-Api-Key", "Im-Client-Key", "Im-Authorization",
		"Api-Key", "Apikey", "X-Auth-Token", "Authorization-Token", "X-Access-Token",
	}
}

// absent explains why no credential was found: it is empty, has another scheme,
// is in another place, or was not sent at all.
func (creds *credentials) absent(v *vendor, r *http.Request, empty, scheme string) {
	wants := "; " + v.title + " wants " + v.want
	if empty != "" {
		creds.refuse(MissingKey, empty, "sent "+empty+" with an empty value"+wants)
		return
	}
	if scheme != "" {
		sent := "`Authorization` " + schemeName(scheme)
		creds.refuse(WrongScheme, sent, "sent "+sent+wants)
		return
	}
	for _, name := range append(foreign(), v.otherHeaders...) {
		if len(r.Header[name]) == 0 || v.reads(name) {
			continue
		}
		sent := "`" + displayHeader(name) + "`"
		if name == "Authorization" {
			sent += " " + schemeName(r.Header[name][0])
		}
		creds.refuse(WrongHeader, sent, "sent "+sent+wants)
		return
	}
	if sent := v.foreignParam(r); sent != "" {
		creds.refuse(WrongHeader, sent, "sent "+sent+wants)
		return
	}
	creds.refuse(MissingKey, "", "sent no credential"+wants)
}

// foreignParam names the query parameter in which another vendor takes a key, "" if none was sent.
func (v *vendor) foreignParam(r *http.Request) string {
	if strings.Contains(r.URL.RawQuery, "api_key=") {
		return "`?api_key=`"
	}
	if len(v.otherParams) == 0 || r.URL.RawQuery == "" {
		return ""
	}
	q := r.URL.Query()
	for _, name := range v.otherParams {
		if q.Has(name) && !v.readsQuery(name) {
			return "`?" + name + "=`"
		}
	}
	return ""
}

// halves are the two headers of a pair, in the vendor's spelling.
func (v *vendor) halves() (first, second string) {
	for i := range v.carriers {
		switch c := &v.carriers[i]; c.kind {
		case credClient:
			first = c.String()
		case credToken:
			second = c.String()
		default:
		}
	}
	return first, second
}

// behindScheme is the credential behind a scheme word.
func (place *carrier) behindScheme(rest string) string {
	rest = strings.TrimLeft(rest, " \t")
	if place.basic {
		return basicUser(rest)
	}
	return rest
}

// basicUser is the user of HTTP Basic, "" if the value is none (RFC 7617).
func basicUser(value string) string {
	plain, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return ""
	}
	user, _, _ := strings.Cut(string(plain), ":")
	return user
}

func (v *vendor) reads(header string) bool {
	for _, c := range v.carriers {
		if c.header == header {
			return true
		}
	}
	return false
}

// knownScheme returns the scheme word at the start of a value, if it is a usual
// one.
func knownScheme(value string) (string, bool) {
	word, _, _ := strings.Cut(value, " ")
	for _, known := range []string{"ApiKey-v1", "ApiKey-v2", "ApiKey", "Bearer", "Basic", "Digest", "Key", "Token"} {
		if strings.EqualFold(word, known) {
			return known, true
		}
	}
	return "", false
}

// schemeName names a known scheme word. An unknown first word is not quoted: it
// may be the key itself.
func schemeName(value string) string {
	if word, ok := knownScheme(value); ok {
		return "with scheme `" + word + "`"
	}
	if !strings.Contains(value, " ") {
		return "without a scheme"
	}
	return "with an unknown scheme"
}
