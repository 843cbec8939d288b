package keyfit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

func fingerprintOf(info *keyfit.KeyStatus) string {
	if info == nil {
		return ""
	}
	return info.Fingerprint
}

// A store that knows more than one key, alone and behind a Chain.
func TestAnOfferOfSeveralKeys(t *testing.T) {
	t.Parallel()
	key := keyfit.APIKey
	malformed := key("two\nlines")
	type state struct{ Current, Previous, Staged string }
	tests := []struct {
		name   string
		probe  error // what a probe of the pending key says
		offers []keyfit.Versions
		want   []state // after each
		events []string
	}{
		{
			name:   "the previous key is at hand from the start",
			offers: []keyfit.Versions{{Current: key("offer-2"), Previous: key("offer-1")}},
			want:   []state{{"offer-2", "offer-1", ""}},
			events: []string{"key.promoted 1 offer-2<"},
		},
		{
			name:   "a malformed previous or pending key is none",
			offers: []keyfit.Versions{{Current: key("offer-2"), Previous: malformed, Pending: malformed}, {Current: key("offer-2"), Pending: malformed}},
			want:   []state{{"offer-2", "", ""}, {"offer-2", "", ""}},
			events: []string{"key.promoted 1 offer-2<"},
		},
		{
			name:   "all three are one",
			offers: []keyfit.Versions{{Current: key("offer-2"), Previous: key("offer-2"), Pending: key("offer-2")}},
			want:   []state{{"offer-2", "", ""}},
			events: []string{"key.promoted 1 offer-2<"},
		},
		{
			name: "a pending key is verified ahead, and used at once when it is the current one",
			offers: []keyfit.Versions{
				{Current: key("offer-1"), Pending: key("offer-2")}, {Current: key("offer-1"), Pending: key("offer-2")}, {Current: key("offer-2"), Previous: key("offer-1")},
			},
			want: []state{{"offer-1", "", "offer-2"}, {"offer-1", "", "offer-2"}, {"offer-2", "offer-1", ""}},
			events: []string{
				"key.promoted 1 offer-1<", "key.staged 0 offer-2<offer-1",
				"key.verified 0 offer-2<offer-1", "key.promoted 2 offer-2<offer-1",
			},
		},
		{
			name: "a pending key that the provider does not know yet is no error", probe: errRefusedKey(http.StatusUnauthorized),
			offers: []keyfit.Versions{{Current: key("offer-1"), Pending: key("offer-2")}, {Current: key("offer-1"), Pending: key("offer-2")}},
			want:   []state{{"offer-1", "", "offer-2"}, {"offer-1", "", "offer-2"}},
			events: []string{"key.promoted 1 offer-1<", "key.staged 0 offer-2<offer-1", "key.rejected 0 offer-2<offer-1"},
		},
		{
			name:   "a pending key that is withdrawn is let go",
			offers: []keyfit.Versions{{Current: key("offer-1"), Pending: key("offer-2")}, {Current: key("offer-1")}, {Current: key("offer-1"), Pending: key("offer-3")}},
			want:   []state{{"offer-1", "", "offer-2"}, {"offer-1", "", ""}, {"offer-1", "", "offer-3"}},
			events: []string{
				"key.promoted 1 offer-1<", "key.staged 0 offer-2<offer-1", "key.retired 0 offer-2<offer-1",
				"key.staged 0 offer-3<offer-1", "key.verified 0 offer-3<offer-1",
			},
		},
	}
	for _, tt := range tests {
		for _, behind := range []string{"", "a chain", "a chain in a chain"} {
			t.Run(tt.name+" "+behind, func(t *testing.T) {
				t.Parallel()
				store := &engineSource{offer: tt.offers[0]}
				var src keyfit.Source = store
				if behind != "" {
					src = keyfit.Chain(keyfit.File("/nonexistent/key"), src)
				}
				if behind == "a chain in a chain" {
					src = keyfit.Chain(src, keyfit.Static(keyfit.APIKey("offer-0")))
				}
				ring, events := newRing(t, src, keyfit.Verify(func(context.Context, keyfit.Credential) error { return tt.probe }))
				names := map[string]string{"": ""}
				for n := range 4 {
					names[key(fmt.Sprintf("offer-%d", n)).Fingerprint()] = fmt.Sprintf("offer-%d", n)
				}
				for i, offer := range tt.offers {
					store.set(offer, nil)
					if i > 0 {
						if _, err := ring.Reload(t.Context()); err != nil {
							t.Error(err)
						}
					}
					s := ring.Status()
					got := state{names[s.Current.Fingerprint], names[fingerprintOf(s.Previous)], names[fingerprintOf(s.Staged)]}
					if diff := cmp.Diff(tt.want[i], got); diff != "" {
						t.Errorf("after offer %d (-want +got):\n%s", i+1, diff)
					}
				}
				if diff := cmp.Diff(tt.events, events.take("offer-0", "offer-1", "offer-2", "offer-3")); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// A ring that has just been made falls back on what the store had before, and lets it go
// once, however often the store goes on telling of it.
func TestThePreviousKeyOfAnOfferStepsInAndIsLetGoOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &engineSource{offer: keyfit.Versions{Current: keyfit.APIKey("first-new"), Previous: keyfit.APIKey("first-old")}}
		ring, events := newRing(t, src)
		wire := &ringWire{answer: accepts("first-old")}
		c := ringClient(t, wire, ring)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = ring.Watch(ctx, time.Minute) }()
		if err := ringGet(t.Context(), c); err != nil {
			t.Error(err)
		}
		wire.answer = accepts("first-new")
		time.Sleep(time.Hour) //nolint:forbidigo // fake time
		if err := ringGet(t.Context(), c); err != nil {
			t.Error(err)
		}
		want := []string{"key.promoted 1 first-new<", "key.refused 1 first-new<", "key.fallback 0 first-old<first-new", "key.retired 0 first-old<first-new"}
		if diff := cmp.Diff(want, events.take("first-new", "first-old")); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

func TestAPendingKeyStepsInWhenEveryOtherIsRefused(t *testing.T) {
	t.Parallel()
	ring, _ := newRing(t, &engineSource{offer: keyfit.Versions{Current: keyfit.APIKey("pend-1"), Pending: keyfit.APIKey("pend-2")}})
	if _, err := ring.Reload(t.Context()); err != nil || currentKey(t, ring) != "pend-1" {
		t.Fatalf("a key that is only prepared is in use: %v", err)
	}
	wire := &ringWire{answer: accepts("pend-2")}
	if err := ringGet(t.Context(), ringClient(t, wire, ring)); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"pend-1", "pend-2"}, wire.take()); diff != "" || currentKey(t, ring) != "pend-2" {
		t.Errorf("on the wire (-want +got):\n%s", diff)
	}
}

func TestAChainStopsAtABrokenStore(t *testing.T) {
	t.Parallel()
	sealed := errors.New("sealed")
	_, err := keyfit.NewKeyring(t.Context(), keyfit.Chain(&engineSource{err: sealed}, keyfit.Static(keyfit.APIKey("chain-low"))))
	if none, ok := errors.AsType[*keyfit.NoKeyError](err); !ok || len(none.Tried) != 1 || !errors.Is(err, sealed) {
		t.Errorf("want the store's error and no key of lower priority, got %v", err)
	}
}

// The dates beside a key in the environment or a .env file.
func TestTheDatesBesideAKeyGiveItsEnd(t *testing.T) {
	t.Parallel()
	date := func(s string) time.Time {
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	tests := []struct {
		name, lines string
		expires     time.Time
		err         string
	}{
		{name: "none", lines: ""},
		{name: "an end", lines: "MINDKEY_API_KEY_EXPIRES=2031-01-31\n", expires: date("2031-01-31T00:00:00Z")},
		{name: "an issue", lines: "MINDKEY_API_KEY_ISSUED=2030-01-31\n", expires: date("2031-01-31T00:00:00Z")},
		{name: "an issue to the second", lines: "MINDKEY_API_KEY_ISSUED=2030-01-31T12:00:00+01:00\n", expires: date("2031-01-31T11:00:00Z")},
		{name: "both: the end that is said goes before the one that follows", lines: "MINDKEY_API_KEY_ISSUED=2030-01-31\nMINDKEY_API_KEY_EXPIRES=2030-06-30\n", expires: date("2030-06-30T00:00:00Z")},
		{name: "an empty one is none", lines: "MINDKEY_API_KEY_ISSUED=\n"},
		{name: "no date", lines: "MINDKEY_API_KEY_ISSUED=soon\n", err: "MINDKEY_API_KEY_ISSUED in %s: not an RFC 3339 date (2027-01-31) or time (2027-01-31T12:00:00Z)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), ".env")
			if err := os.WriteFile(path, []byte("MINDKEY_API_KEY=dated-key\n"+tt.lines), 0o600); err != nil {
				t.Fatal(err)
			}
			ring, err := keyfit.NewKeyring(t.Context(), keyfit.Chain(keyfit.DotEnv(path, "MINDKEY_API_KEY")), keyfit.ForProvider(keyfit.MindKey()))
			if tt.err != "" {
				if want := "no key: " + fmt.Sprintf(tt.err, path); err == nil || err.Error() != want {
					t.Errorf("want %q, got %v", want, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := ring.Status().Current.Expires; !got.Equal(tt.expires) {
				t.Errorf("want the end %s, got %s", tt.expires, got)
			}
			// The same key with another date: noticed, and no rotation.
			if err := os.WriteFile(path, []byte("MINDKEY_API_KEY=dated-key\nMINDKEY_API_KEY_EXPIRES=2040-01-01\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if changed, err := ring.Reload(t.Context()); changed || err != nil {
				t.Errorf("a new date is no new key: got %v, %v", changed, err)
			}
			if got := ring.Status().Current; !got.Expires.Equal(date("2040-01-01T00:00:00Z")) || got.Generation != 1 {
				t.Errorf("the new end was not noticed: %+v", got)
			}
		})
	}
}
