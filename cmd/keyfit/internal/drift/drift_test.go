package drift_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/drift"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/vendors"
	"github.com/keyfit/keyfit/mockserver"
)

// realAPI is a second mock under another profile, which stands for the real API.
type realAPI struct {
	srv  *mockserver.Server
	key  mockserver.Issued
	dial func(http.RoundTripper) (*keyfit.Client, error)
}

func asReal(t *testing.T, v *vendors.Vendor, opts ...mockserver.Option) *realAPI {
	t.Helper()
	name, _, _ := strings.Cut(v.Name, "-")
	provider := mockserver.Provider(name)
	srv := mockserver.New(t, opts...)
	var kind []mockserver.KeyOption
	switch v.Name {
	case "imkit-user":
		kind = []mockserver.KeyOption{mockserver.ClientKey("lorem")}
	case "iiniit-token":
		kind = []mockserver.KeyOption{mockserver.Bearer()}
	}
	key := srv.Keys().Issue(provider, kind...)
	credential := keyfit.APIKey(key.Secret.Reveal())
	if !key.Token.IsZero() {
		credential = keyfit.KeyPair(key.Secret.Reveal(), key.Token.Reveal())
	}
	return &realAPI{srv, key, func(wire http.RoundTripper) (*keyfit.Client, error) {
		return keyfit.New(v.Provider, keyfit.WithSource(keyfit.Static(credential)), keyfit.WithBaseURL(srv.BaseURL(provider)),
			keyfit.WithHTTPClient(&http.Client{Transport: wire}), keyfit.WithoutDotEnv())
	}}
}

// readable is a path that any key of the vendor may read.
func readable(v *vendors.Vendor) string {
	switch v.Name {
	case "imkit-user":
		return "/me"
	case "iiniit", "iiniit-token":
		return "/resource"
	}
	return v.Provider.Probe
}

func found(t *testing.T, name string) *vendors.Vendor {
	t.Helper()
	v, ok := vendors.Find(name)
	if !ok {
		t.Fatal(name)
	}
	return &v
}

func ask(t *testing.T, v *vendors.Vendor, api *realAPI) *drift.Report {
	t.Helper()
	report, err := drift.Ask(t.Context(), v, readable(v), api.dial)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// An API that answers as the mock does has not drifted.
func TestNothingDiffersFromAnotherMock(t *testing.T) {
	t.Parallel()
	for _, name := range vendors.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := found(t, name)
			api := asReal(t, v)
			report := ask(t, v, api)
			for _, row := range report.Rows {
				if !row.Holds {
					t.Errorf("%s: mock %+v, real %+v", row.Sent, row.Mock, row.Real)
				}
			}
			if diff := cmp.Diff(mockserver.Profile{}, report.Profile); diff != "" {
				t.Errorf("profile (-want +got):\n%s", diff)
			}
			onlyReads(t, api, report)
		})
	}
}

// onlyReads checks that nothing but the announced number of GETs was sent.
func onlyReads(t *testing.T, api *realAPI, report *drift.Report) {
	t.Helper()
	sent := api.srv.Requests(mockserver.Match{})
	if len(sent) != report.Requests {
		t.Errorf("%d requests, and %d are said", len(sent), report.Requests)
	}
	for i := range sent {
		if sent[i].Method != http.MethodGet {
			t.Errorf("sent %s %s", sent[i].Method, sent[i].Path)
		}
	}
}

// randomProfile answers some outcomes otherwise.
func randomProfile(r *rand.Rand, name string) (p mockserver.Profile, differs []mockserver.Outcome) {
	asked := []mockserver.Outcome{mockserver.MissingKey, mockserver.UnknownKey, mockserver.WrongHeader, mockserver.DuplicateKey, mockserver.NotFound}
	if name == "mindkey" || strings.HasPrefix(name, "iiniit") {
		asked = append(asked, mockserver.WrongScheme)
	}
	answers := make(map[mockserver.Outcome]mockserver.Answer)
	for _, o := range asked {
		if r.IntN(2) == 0 {
			continue
		}
		text := "lorem " + strconv.Itoa(r.IntN(1000))
		answer := mockserver.Answer{Status: 400 + r.IntN(20), Body: text, ContentType: []string{"", "text/html", "application/problem+json"}[r.IntN(3)]}
		if answer.ContentType == "application/problem+json" {
			answer.Body = `{"title":` + strconv.Quote(text) + `}`
		}
		if r.IntN(3) == 0 {
			answer.Challenge = `Key realm="fitsum"`
		}
		answers[o] = answer
		differs = append(differs, o)
	}
	p.Answers = answers
	if name == "iiniit-token" {
		p.Bearer = answers
	}
	if r.IntN(3) == 0 {
		p.Hints = mockserver.HintXRateLimit | mockserver.DefaultProfile(mockserver.Provider(name)).Hints
	}
	return p, differs
}

// The table names exactly what differs, and the profile makes the mock answer alike.
func TestTheTableNamesExactlyTheDifferences(t *testing.T) {
	t.Parallel()
	runs := 4
	if os.Getenv("KEYFIT_LONG") != "" {
		runs = 100
	}
	for _, name := range []string{"imin", "mindkey", "imkit", "optimove", "iiniit", "iiniit-token"} {
		for seed := range runs {
			t.Run(name+"/"+strconv.Itoa(seed), func(t *testing.T) {
				t.Parallel()
				v := found(t, name)
				provider, _, _ := strings.Cut(name, "-")
				profile, differs := randomProfile(rand.New(rand.NewPCG(uint64(seed), 16)), name)
				api := asReal(t, v, mockserver.WithProfile(mockserver.Provider(provider), profile))
				report := ask(t, v, api)
				var got []mockserver.Outcome
				for _, row := range report.Rows {
					if row.Holds || row.Outcome == "" {
						continue
					}
					got = append(got, row.Outcome)
					if !row.Played {
						t.Errorf("%s: the profile does not play %+v", row.Sent, row.Real)
					}
				}
				slices.Sort(got)
				slices.Sort(differs)
				if diff := cmp.Diff(differs, slices.Compact(got)); diff != "" {
					t.Errorf("what differs (-want +got):\n%s", diff)
				}
				data, err := json.Marshal(report)
				if err != nil || strings.Contains(string(data), api.key.Secret.Reveal()) {
					t.Errorf("the report has the key, or %v", err)
				}
				onlyReads(t, api, report)
			})
		}
	}
}

// Whoever does not accept the key, or is busy, is not compared.
func TestWhatCannotBeCompared(t *testing.T) {
	t.Parallel()
	v := found(t, "imkit")
	for name, test := range map[string]struct {
		spoil func(*realAPI)
		want  error
		sent  int
	}{
		"a revoked key": {func(api *realAPI) { _ = api.srv.Keys().Revoke(api.key.ID, "a test") }, drift.ErrKey, 1},
		"a limit": {func(api *realAPI) {
			api.srv.Inject(mockserver.Match{}, mockserver.Throttle(0), mockserver.After(3))
		}, drift.ErrLimited, 4},
		"a broken connection": {func(api *realAPI) { api.srv.Inject(mockserver.Match{}, mockserver.ResetBefore()) }, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := asReal(t, v)
			test.spoil(api)
			_, err := drift.Ask(t.Context(), v, readable(v), api.dial)
			if err == nil || test.want != nil && !errors.Is(err, test.want) || strings.Contains(err.Error(), api.key.Secret.Reveal()) {
				t.Errorf("%v, want %v", err, test.want)
			}
			if got := len(api.srv.Requests(mockserver.Match{})); got != test.sent {
				t.Errorf("%d requests, want %d", got, test.sent)
			}
		})
	}
}

// An API that repeats the key gives it to nobody.
func TestAReflectedKeyIsInNoReport(t *testing.T) {
	t.Parallel()
	v := found(t, "imin")
	api := asReal(t, v)
	api.srv.Inject(mockserver.Match{}, mockserver.Status(418, "no: "+api.key.Secret.Reveal()).With("WWW-Authenticate", "k="+api.key.Secret.Reveal()), mockserver.After(1))
	report := ask(t, v, api)
	data, err := json.Marshal(report)
	if err != nil || strings.Contains(string(data), api.key.Secret.Reveal()) {
		t.Errorf("%v: %s", err, data)
	}
	if !report.Drifted() {
		t.Error("nothing differs")
	}
}
