package keyfit_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// wellBeing is the part of a status that an alarm reads.
type wellBeing struct {
	Healthy   bool
	Attention []keyfit.KeyEventKind
	DaysLeft  int // -99 for nil
	RotateIn  int // days; 0 for never
}

func wellBeingOf(s keyfit.KeyringStatus) wellBeing {
	w := wellBeing{Healthy: s.Healthy, Attention: s.Attention, DaysLeft: -99}
	if s.Current.DaysLeft != nil {
		w.DaysLeft = *s.Current.DaysLeft
	}
	if !s.Current.RotateBy.IsZero() {
		w.RotateIn = int(time.Until(s.Current.RotateBy).Round(time.Hour) / lifeDay)
	}
	return w
}

func TestStatusSaysWhatNeedsAttention(t *testing.T) {
	t.Parallel()
	kinds := func(list ...keyfit.KeyEventKind) []keyfit.KeyEventKind { return list }
	tests := []struct {
		name    string
		expires time.Duration // from now; 0 is not known
		issued  time.Duration // ago; 0 is not known
		then    func(w *statusWorld)
		want    wellBeing
	}{
		{"nothing is known of its end", 0, 0, nil, wellBeing{true, nil, -99, 90}},
		{"a year is left", 365 * lifeDay, 0, nil, wellBeing{true, nil, 365, 0}},
		{"a month and an hour", 30*lifeDay + time.Hour, 0, nil, wellBeing{true, nil, 30, 0}},
		{"a month", 30 * lifeDay, 0, nil, wellBeing{true, kinds(keyfit.KeyExpiring), 30, 0}},
		{"an hour", time.Hour, 0, nil, wellBeing{true, kinds(keyfit.KeyExpiring), 0, 0}},
		{"it has just ended", 0, 0, func(w *statusWorld) { w.ends(0) }, wellBeing{false, kinds(keyfit.KeyExpired), 0, 0}},
		{"it ended an hour ago", -time.Hour, 0, nil, wellBeing{false, kinds(keyfit.KeyExpired), -1, 0}},
		{"it ended three days ago, and is accepted", -72 * time.Hour, 0, (*statusWorld).call, wellBeing{true, kinds(keyfit.KeyExpired), -4, 0}},
		{"it is old", 0, 100 * lifeDay, nil, wellBeing{true, kinds(keyfit.KeyRotationDue), -99, -10}},
		{"it is old, and its end is known", 200 * lifeDay, 100 * lifeDay, nil, wellBeing{true, nil, 200, 0}},
		{"it is refused", 0, 0, func(w *statusWorld) { w.works = nil; w.call() }, wellBeing{false, kinds(keyfit.KeyRefused), -99, 90}},
		{"it was refused, and is accepted again", 0, 0, func(w *statusWorld) { w.works = nil; w.call(); w.works = []string{"status-1"}; w.call() }, wellBeing{true, nil, -99, 90}},
		{
			"it is refused, and the previous key serves", 0, 0,
			func(w *statusWorld) { w.call(); w.rotate("status-2"); w.call() },
			wellBeing{true, kinds(keyfit.KeyRefused), -99, 90},
		},
		{
			"everything is refused all the time", -time.Hour, 0,
			func(w *statusWorld) {
				w.works = nil
				for range 25 {
					w.call()
				}
			},
			wellBeing{false, kinds(keyfit.CircuitOpen, keyfit.KeyRefused, keyfit.KeyExpired), -1, 0},
		},
		{"its source fails", 0, 0, func(w *statusWorld) { w.src.offer("", errSimDown); w.reload() }, wellBeing{true, kinds(keyfit.SourceStale), -99, 90}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newStatusWorld(t, tt.expires, tt.issued)
				if tt.then != nil {
					tt.then(w)
				}
				if diff := cmp.Diff(tt.want, wellBeingOf(w.ring.Status())); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// statusWorld is a client with one key, which works until the test says otherwise.
type statusWorld struct {
	t      *testing.T
	src    *ringSource
	ring   *keyfit.Keyring
	client *keyfit.Client
	works  []string
}

func newStatusWorld(t *testing.T, expires, issued time.Duration) *statusWorld {
	t.Helper()
	w := &statusWorld{t: t, src: &ringSource{key: "status-1"}, works: []string{"status-1"}}
	first := func(ctx context.Context) (keyfit.Credential, error) {
		cred, err := w.src.Credential(ctx)
		if expires != 0 {
			cred.Expires = time.Now().Add(expires)
		}
		if issued != 0 {
			cred.Issued = time.Now().Add(-issued)
		}
		return cred, err
	}
	w.ring, _ = newRing(t, keyfit.SourceFunc(first), keyfit.ForProvider(keyfit.Provider{Name: "acme", RotateEvery: 90 * lifeDay}))
	w.client = ringClient(t, &ringWire{answer: func(key string) int { return accepts(w.works...)(key) }}, w.ring)
	return w
}

func (w *statusWorld) call()   { time.Sleep(time.Second); _ = ringGet(w.t.Context(), w.client) } //nolint:forbidigo // fake time
func (w *statusWorld) reload() { _, _ = w.ring.Reload(w.t.Context()) }

func (w *statusWorld) rotate(key string) {
	if err := w.ring.Rotate(w.t.Context(), keyfit.APIKey(key)); err != nil {
		w.t.Fatal(err)
	}
}

// ends rotates to a key that ends at a time from now.
func (w *statusWorld) ends(in time.Duration) {
	cred := keyfit.APIKey("status-3")
	cred.Expires = time.Now().Add(in)
	if err := w.ring.Rotate(w.t.Context(), cred); err != nil {
		w.t.Fatal(err)
	}
}

// What a health page shows has the words of the documentation, and no field without a value.
func TestStatusAsJSON(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, want := range map[string]struct {
			expires time.Duration
			has     []string
			hasNot  []string
		}{
			"an end":    {10 * lifeDay, []string{`"healthy":true`, `"attention":["key.expiring"]`, `"days_left":10`, `"expires":"`}, []string{"rotate_by", "issued"}},
			"no end":    {0, []string{`"healthy":true`, `"rotate_by":"`}, []string{"days_left", "expires", "attention"}},
			"an end 0d": {time.Minute, []string{`"days_left":0`}, nil},
		} {
			text, err := json.Marshal(newStatusWorld(t, want.expires, 0).ring.Status())
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range want.has {
				if !strings.Contains(string(text), part) {
					t.Errorf("%s: no %s in %s", name, part, text)
				}
			}
			for _, part := range want.hasNot {
				if strings.Contains(string(text), part) {
					t.Errorf("%s: %s in %s", name, part, text)
				}
			}
		}
	})
}

// The event and its log line say when the key ends.
func TestTheEventOfAnEndHasItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ends := time.Now().Add(31 * lifeDay)
		cred := keyfit.APIKey("event-1")
		cred.Expires = ends
		ring, events := newRing(t, keyfit.Static(cred))
		c := ringClient(t, &ringWire{answer: accepts("event-1")}, ring)
		for range 33 { // a call a day, and nobody watches
			time.Sleep(lifeDay) //nolint:forbidigo // fake time
			if err := ringGet(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		events.mu.Lock()
		defer events.mu.Unlock()
		for _, e := range events.list {
			if !e.Expires.IsZero() {
				got = append(got, string(e.Kind)+" "+e.LogValue().String())
				if !e.Expires.Equal(ends) {
					t.Errorf("%s: it ends at %s, want %s", e.Kind, e.Expires, ends)
				}
			}
		}
		if len(got) != 5 || !strings.Contains(got[0], "expires=") {
			t.Errorf("want 30, 14, 7, 1 days and the end, each with its time, got %q", got)
		}
	})
}

// What the vendors' pages ask for: "Rotate the API Key periodically" (IMKIT), "Regenerate API keys
// periodically" (Optimove), "Rotate your API keys and tokens regularly" (iiniit).
func TestProvidersThatAskForRegularRotation(t *testing.T) {
	t.Parallel()
	got := map[string]time.Duration{}
	for _, p := range []keyfit.Provider{keyfit.Imin(), keyfit.MindKey(), keyfit.IMKIT("a"), keyfit.IMKITUser("a"), keyfit.Optimove("h"), keyfit.Iiniit()} {
		got[p.Name+" "+p.EnvVar] = p.RotateEvery / lifeDay
	}
	want := map[string]time.Duration{
		"imin IMIN_API_KEY": 0, "mindkey MINDKEY_API_KEY": 0, "imkit IMKIT_API_KEY": 90, "imkit IMKIT_USER_TOKEN": 0,
		"optimove OPTIMOVE_API_KEY": 90, "iiniit IINIIT_API_KEY": 90,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("days (-want +got):\n%s", diff)
	}
	for _, bad := range []keyfit.Provider{{RotateEvery: -1}, {KeyLife: -1}} {
		bad.Name, bad.BaseURL, bad.Scheme = "acme", "https://api.example", keyfit.Header("K")
		if _, err := keyfit.New(bad, keyfit.WithKey("k")); err == nil || !strings.Contains(err.Error(), "negative") {
			t.Errorf("a negative life of keys: %v", err)
		}
		if _, err := keyfit.NewKeyring(t.Context(), keyfit.Static(keyfit.APIKey("k")), keyfit.ForProvider(bad)); err == nil {
			t.Error("a ring takes a negative life of keys")
		}
	}
}

// Some stores say "never" by a date thousands of years ahead.
func TestDaysLeftAreRightForADateFarAway(t *testing.T) {
	t.Parallel()
	for _, date := range []string{"9999-12-31T00:00:00Z", "2500-01-01T00:00:00Z", "1600-01-01T00:00:00Z"} {
		cred := keyfit.APIKey("status-far-0123456789")
		cred.Expires, _ = time.Parse(time.RFC3339, date)
		ring, err := keyfit.NewKeyring(t.Context(), keyfit.Static(cred))
		if err != nil {
			t.Fatal(err)
		}
		got := ring.Status().Current.DaysLeft
		if got == nil {
			t.Fatalf("%s: no days", date)
		}
		if back := time.Now().UTC().AddDate(0, 0, *got); back.After(cred.Expires) || back.AddDate(0, 0, 1).Before(cred.Expires) {
			t.Errorf("%s: %d days, which is %s", date, *got, back)
		}
	}
}
