package mockserver

import (
	"net/http"
	"strings"
	"testing"
)

// FuzzCredentials: whatever arrives, parsing ends, a refusal explains itself,
// and neither the explanation nor the journal repeats what was sent.
func FuzzCredentials(f *testing.F) {
	f.Add("X-API-KEY", "secretvalue", "api_key=secretvalue", "body secretvalue")
	f.Add("Authorization", "ApiKey-v2 secretvalue", "", "")
	f.Add("Authorization", "secretvalue", "", "")
	f.Add("IM-CLIENT-KEY", "a.b.c", "api_key=%zz", "")
	srv, err := NewHandler(WithJournal(10, 1<<20))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name, value, query, body string) {
		for _, v := range srv.vendors {
			r, err := http.NewRequest(http.MethodPost, "http://x/resource", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.URL.RawQuery = query
			r.Header[http.CanonicalHeaderKey(name)] = []string{value}
			srv.Handler(v.provider).ServeHTTP(&discard{header: http.Header{}}, r)
			x := srv.Requests(Match{Provider: v.provider})
			last := x[len(x)-1]
			if last.Outcome == "" || last.Outcome != OK && last.Diagnosis.Why == "" {
				t.Fatalf("no explanation: %+v", last)
			}
			canary := "CANARY-" + "0123456789abcdef0123456789" // long enough never to be in a sentence
			r.Header[http.CanonicalHeaderKey(name)] = []string{canary}
			c := readCredentials(v, r)
			if strings.Contains(c.sent+c.why, canary) {
				t.Fatalf("%s repeats the value: %s %s", v.title, c.sent, c.why)
			}
		}
	})
}

// discard is a ResponseWriter to nowhere.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }

func TestKeysHaveTheVendorsShapeAndAHiddenChecksum(t *testing.T) {
	t.Parallel()
	srv := New(t, WithSeed(1))
	lengths := map[Provider]int{Imin: 32, MindKey: 43, IMKIT: 60, Optimove: 40, Iiniit: 40}
	for _, v := range srv.vendors {
		key := srv.Keys().Issue(v.provider).Secret.Reveal()
		if len(key) != lengths[v.provider] || !v.key.Made(key) {
			t.Errorf("%s: %d characters, made %v", v.title, len(key), v.key.Made(key))
		}
		for i := range key { // a changed character is noticed, except in unused bits of the last
			other := byte('b')
			if key[i] == 'b' {
				other = 'c'
			}
			if i < len(key)-3 && v.key.Made(key[:i]+string(other)+key[i+1:]) {
				t.Errorf("%s: a change at %d passes", v.title, i)
			}
		}
		for _, o := range srv.vendors {
			if o != v && o.key.Made(key) {
				t.Errorf("a key of %s passes as one of %s", v.title, o.title)
			}
		}
	}
}

func TestASeedRepeatsTheKeys(t *testing.T) {
	t.Parallel()
	issue := func(opts ...Option) string { return New(t, opts...).Keys().Issue(Imin).Secret.Reveal() }
	one, again, other := issue(WithSeed(7)), issue(WithSeed(7)), issue(WithSeed(8))
	free, freeToo := issue(), issue()
	if one != again || one == other || free == freeToo {
		t.Error("the seed does not decide")
	}
}

func TestTheStoreHoldsNoValue(t *testing.T) {
	t.Parallel()
	srv := New(t)
	key := srv.Keys().Issue(Imin)
	rec := srv.vault.find(hashCredential(key.Secret.Reveal()))
	if rec == nil || rec.id != key.ID {
		t.Fatal("not found by hash")
	}
}

func TestCountersAreBounded(t *testing.T) {
	t.Parallel()
	srv := New(t)
	srv.journal.counters.maxCells = 3
	for _, path := range []string{"/a", "/b", "/c", "/d", "/e", "/a"} {
		srv.journal.add(facts{provider: Imin, method: "GET", path: path, outcome: OK}, nil, stray{})
	}
	if c := srv.Counts(Match{Provider: Imin}); c.Total != 6 || c.Folded != 0 {
		t.Errorf("all: %+v", c)
	}
	if c := srv.Counts(Match{Path: "/a"}); c.Total != 2 || c.Folded != 2 {
		t.Errorf("/a: %+v", c)
	}
}
