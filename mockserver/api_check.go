package mockserver

import (
	"fmt"
	"maps"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/redact"
)

// definition checks an API member by member.
type definition struct {
	API

	err *DefinitionError // the first mistake
}

// wrong notes the first mistake.
func (def *definition) wrong(member, problem string, args ...any) {
	if def.err == nil {
		def.err = &DefinitionError{API: def.Name, Member: member, Problem: fmt.Sprintf(problem, args...)}
	}
}

// Valid returns a *DefinitionError for the first mistake of the description, nil if there
// is none. Names and hosts that two APIs share are found when the server is made.
func (a API) Valid() error {
	if _, err := a.vendor(); err != nil {
		return err
	}
	return nil
}

const (
	lowerDigits = "abcdefghijklmnopqrstuvwxyz0123456789"
	wordLetters = lowerDigits + "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
)

// isWord reports whether s has 1 to longest of the letters, and none else.
func isWord(s, letters string, longest int) bool {
	return s != "" && len(s) <= longest && !strings.ContainsFunc(s, func(c rune) bool { return !strings.ContainsRune(letters, c) })
}

// isToken reports whether s can be the name of a header, a parameter or a scheme.
func isToken(s string) bool { return isWord(s, wordLetters, 64) }

func isHost(s string) bool {
	return isWord(s, lowerDigits+"-.", 253) && strings.Trim(s, "-.") == s && s != "localhost" && !strings.HasSuffix(s, ".localhost")
}

func isAPIName(s string) bool {
	return isWord(s, lowerDigits+"-", 32) && s[0] >= 'a' && s[0] <= 'z' && !strings.HasSuffix(s, "-")
}

func (def *definition) check() {
	switch {
	case !isAPIName(string(def.Name)):
		def.wrong("name", "%.60q is no name: a small letter, then small letters, digits and \"-\", up to 32", def.Name)
	case def.Name == "admin" || def.Name == "default" || slices.Contains(Providers(), def.Name):
		def.wrong("name", "%q is taken by keyfit itself", def.Name)
	}
	if len(def.Title) > 100 || strings.ContainsFunc(def.Title, func(c rune) bool { return c < ' ' || c > '~' || c == '`' }) {
		def.wrong("title", "it has up to 100 printable ASCII characters")
	}
	for i, h := range def.Hosts {
		if !isHost(h) {
			def.wrong(at("hosts", i), "%.80q is no host's name: small letters, without scheme and port", h)
		}
	}
	def.checkSchemes()
	def.checkOAuth()
	if def.Life < 0 || def.Life > maxLife {
		def.wrong("life", "%s is not between 0s and %s", Duration(def.Life), Duration(maxLife))
	}
	def.checkLimits()
	def.checkNames()
	def.checkHeader("header", def.Header)
}

// checkHeader checks fields that answers carry as they are given.
func (def *definition) checkHeader(member string, fields map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		def.checkAnswerHeader(member+"."+name, name)
		if !oneTextLine(fields[name]) {
			def.wrong(member+"."+name, "the value is not one line of printable characters")
		}
	}
}

// oneTextLine reports whether s can be the value of a header.
func oneTextLine(s string) bool { return plainText(s) && !strings.ContainsAny(s, "\n\t") }

func at(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }

func (def *definition) checkSchemes() {
	if len(def.Schemes) == 0 && def.OAuth.none() {
		def.wrong("schemes", "there is none; give one or more of header, authorization, query, cookie, basic, pair")
	}
	used := make(map[string]string) // what carries a credential, and where it was given
	take := func(member, carries string) {
		if first, taken := used[carries]; taken {
			def.wrong(member, "it is the same as %s", first)
		}
		used[carries] = member
	}
	pairs := 0
	for i, s := range def.Schemes {
		member := at("schemes", i)
		if n := s.members(); n != 1 {
			def.wrong(member, "it has %d of header, authorization, query, cookie, basic and pair; give exactly one", n)
		}
		switch {
		case s.Header != "":
			def.checkKeyHeader(member+".header", s.Header)
			take(member, "header "+strings.ToLower(s.Header))
		case s.Authorization != "":
			if !isToken(s.Authorization) {
				def.wrong(member+".authorization", "%.60q is no scheme word; letters, digits, \"-\" and \"_\"", s.Authorization)
			}
			if strings.EqualFold(s.Authorization, "Basic") {
				def.wrong(member+".authorization", "give basic: true for HTTP Basic")
			}
			take(member, "scheme "+strings.ToLower(s.Authorization))
		case s.Query != "":
			if !isToken(s.Query) {
				def.wrong(member+".query", "%.60q is no parameter; letters, digits, \"-\" and \"_\"", s.Query)
			}
			take(member, "query "+s.Query)
		case s.Cookie != "":
			if !isToken(s.Cookie) {
				def.wrong(member+".cookie", "%.60q is no cookie; letters, digits, \"-\" and \"_\"", s.Cookie)
			}
			take(member, "cookie "+s.Cookie)
		case s.Basic:
			take(member, "scheme basic")
		default:
			pairs++
			for k, name := range s.Pair {
				def.checkKeyHeader(at(member+".pair", k), name)
				take(member, "header "+strings.ToLower(name))
			}
		}
	}
	if pairs > 1 {
		def.wrong("schemes", "there are %d pairs; an API has one", pairs)
	}
}

// members counts what is set.
func (s *Scheme) members() int {
	return btoi(s.Header != "") + btoi(s.Authorization != "") + btoi(s.Query != "") + btoi(s.Cookie != "") + btoi(s.Basic) + btoi(s.Pair != [2]string{})
}

// checkKeyHeader refuses a header that HTTP needs, or whose value the journal shows.
func (def *definition) checkKeyHeader(member, name string) {
	canonical := textproto.CanonicalMIMEHeaderKey(name)
	switch {
	case !isToken(name):
		def.wrong(member, "%.60q is no header; letters, digits, \"-\" and \"_\"", name)
	case canonical == "Authorization":
		def.wrong(member, "for this header give authorization: WORD, or basic: true")
	case redact.PlainHeader(canonical), slices.Contains(hopHeaders(), canonical):
		def.wrong(member, "%s has a meaning of its own and cannot carry a key", name)
	}
}

// hopHeaders are those that net/http reads itself.
func hopHeaders() []string {
	return []string{
		"Host", "Transfer-Encoding", "Trailer", "Te", "Upgrade", "Keep-Alive", "Cookie", "Set-Cookie", "Proxy-Authorization",
		"Proxy-Connection", "Date", "Referer", "Content-Range",
	}
}

func (def *definition) checkLimits() {
	if err := def.Limit.valid(); err != nil {
		def.wrong("limit", "%s", strings.TrimPrefix(err.Error(), "limit: "))
	}
	for _, name := range slices.Sorted(maps.Keys(def.LimitGroups)) {
		if l := def.LimitGroups[name]; l.valid() != nil || l.none() || name == "" {
			def.wrong("limitGroups."+name, "it needs a name, and requests and per above zero")
		}
	}
	for member, name := range map[string]string{"quota.limit": def.Quota.Limit, "quota.remaining": def.Quota.Remaining, "quota.reset": def.Quota.Reset, "quota.period": def.Quota.Period, "requestId": def.RequestID, "idempotency.replayed": def.Idempotency.Replayed} {
		if name != "" {
			def.checkAnswerHeader(member, name)
		}
	}
	if as := def.Quota.ResetAs; !slices.Contains(append(resetForms(), ""), as) {
		def.wrong("quota.resetAs", "%.40q is none of %s%s", as, strings.Join(resetForms(), ", "), meant(as, resetForms()))
	}
}

// checkAnswerHeader refuses a header that the server itself writes.
func (def *definition) checkAnswerHeader(member, name string) {
	canonical := textproto.CanonicalMIMEHeaderKey(name)
	own := []string{"Content-Length", "Content-Type", "Connection", "Date", "Transfer-Encoding", "Trailer", "Upgrade", "X-Mock-Diagnosis"}
	switch {
	case !isToken(name):
		def.wrong(member, "%.60q is no header; letters, digits, \"-\" and \"_\"", name)
	case slices.Contains(own, canonical):
		def.wrong(member, "the mock writes %s itself", canonical)
	}
}

// checkNames checks scopes and access types.
func (def *definition) checkNames() {
	for i, s := range def.Scopes {
		def.checkName(at("scopes", i), s, slices.Index(def.Scopes, s) < i)
	}
	for i, a := range def.Access {
		def.checkName(at("access", i), string(a), slices.Index(def.Access, a) < i)
	}
}

func (def *definition) checkName(member, name string, twice bool) {
	if name == "" || len(name) > 100 || strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c > '~' || c == '"' || c == '\\' || c == '`' }) {
		def.wrong(member, "%.60q is no name: up to 100 printable ASCII characters without space and quotes", name)
	}
	if twice {
		def.wrong(member, "%q is there twice", name)
	}
}
