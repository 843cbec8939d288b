package mockserver

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/redact"
)

// GoTest returns the source of a Go test that sends requests of a journal again, in
// order, to a mock of its own with keys of its own, and wants the same statuses.
// Requests whose outcome a new mock does not repeat (an expired key, a fault, a full
// window) and those of which the journal has not all stand in it as comments.
func GoTest(all []Exchange) []byte {
	var b strings.Builder
	b.WriteString(goTestHead)
	for i := range all {
		x := &all[i]
		if why := x.notRepeated(); why != "" {
			fmt.Fprintf(&b, "\t\t// %d is left out: %s.\n", x.ID, printable(why))
			continue
		}
		fmt.Fprintf(&b, "\t\t// %d\n\t\t{%s, %s, %s, %s, %s, %s, %d},\n", x.ID, goProvider(x.Provider), strconv.Quote(x.Method), strconv.Quote(x.target()),
			x.goHeader(), strconv.Quote(x.Body), strconv.Quote(x.goKey()), x.Status)
	}
	b.WriteString(goTestTail)
	return []byte(b.String())
}

// notRepeated says why a new mock would not answer the same; "" if it would.
func (ex *Exchange) notRepeated() string {
	switch {
	case ex.Provider == "":
		return "its host is no vendor's"
	case !slices.Contains(Providers(), ex.Provider):
		return "its API is not one of the five providers"
	case ex.Fault != "":
		return "a fault was injected"
	case !slices.Contains([]Outcome{OK, NotFound, MissingKey, InsufficientScope}, ex.Outcome):
		return "its outcome was " + string(ex.Outcome)
	case cut(ex.Body):
		return "the journal has only the beginning of its body"
	case strings.Contains(ex.Body+ex.Path+ex.Query+ex.Method, redact.Mark):
		return "a credential was removed from its path, query or body"
	}
	return ""
}

// goProvider returns the name of the constant.
func goProvider(p Provider) string {
	return map[Provider]string{
		Imin: "mockserver.Imin", MindKey: "mockserver.MindKey", IMKIT: "mockserver.IMKIT", Optimove: "mockserver.Optimove", Iiniit: "mockserver.Iiniit",
	}[p]
}

// goKey returns which kind of key the request carried: "key", "pair" or none.
func (ex *Exchange) goKey() string {
	for _, c := range credentialPlaces(vendors(), ex.Provider) {
		switch {
		case len(ex.Header[c.header]) == 0:
		case c.ofPair:
			return string(KindPair)
		default:
			return string(KindKey)
		}
	}
	return ""
}

// goHeader returns the headers as a composite literal.
func (ex *Exchange) goHeader() string {
	var fields []string
	for _, name := range sortedNames(ex.Header) {
		values := slices.DeleteFunc(slices.Clone(ex.Header[name]), func(v string) bool { return v == redact.Mark })
		if len(values) == 0 || unsent(name) {
			continue
		}
		for i := range values {
			values[i] = strconv.Quote(values[i])
		}
		fields = append(fields, strconv.Quote(name)+": {"+strings.Join(values, ", ")+"}")
	}
	if fields == nil {
		return "nil"
	}
	return "http.Header{" + strings.Join(fields, ", ") + "}"
}

const goTestHead = `package replay_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/keyfit/keyfit/mockserver"
)

// TestRequests sends requests of a journal again, to a mock of its own.
func TestRequests(t *testing.T) {
	srv := mockserver.New(t)
	pair := srv.Keys().Issue(mockserver.IMKIT, mockserver.ClientKey("user001"))
	keys := make(map[mockserver.Provider]mockserver.Issued)
	for _, p := range mockserver.Providers() {
		keys[p] = srv.Keys().Issue(p)
	}
	for i, tt := range []struct {
		provider       mockserver.Provider
		method, target string
		header         http.Header
		body, key      string
		status         int
	}{
`

const goTestTail = `	} {
		r, err := http.NewRequestWithContext(t.Context(), tt.method, srv.BaseURL(tt.provider)+tt.target, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(r.Header, tt.header)
		switch tt.key {
		case "key":
			keys[tt.provider].Apply(r)
		case "pair":
			pair.Apply(r)
		}
		res, err := srv.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != tt.status {
			t.Errorf("%d: %s %s: %d, want %d: %s", i, tt.method, tt.target, res.StatusCode, tt.status, res.Header.Get("X-Mock-Diagnosis"))
		}
	}
}
`
