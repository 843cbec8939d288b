package mockserver_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

var epoch = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)

func TestAnIssuedKeyIsAccepted(t *testing.T) {
	t.Parallel()
	for _, p := range mockserver.Providers() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			srv := mockserver.New(t)
			if got := get(t, srv.Transport(), srv.Keys().Issue(p)); got.status != 200 {
				t.Errorf("status %d, body %s, %v", got.status, got.body, got.header)
			}
			srv.Expect(t, mockserver.Match{Provider: p, Outcome: mockserver.OK}, 1)
		})
	}
}

func TestBaseURLServesOneVendorPerOrigin(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	seen := map[string]bool{}
	for _, p := range mockserver.Providers() {
		url := srv.BaseURL(p)
		if seen[url] || url != srv.BaseURL(p) {
			t.Errorf("%s: %s is not an origin of its own", p, url)
		}
		seen[url] = true
		_, path := probe(p)
		r := newRequest(t, p, "GET", path, "")
		r.URL.Host, r.Host = url[len("http://"):], ""
		srv.Keys().Issue(p).Apply(r)
		if got := call(t, srv.Client().Transport, r); got.status != 200 {
			t.Errorf("%s: status %d: %s", p, got.status, got.body)
		}
	}
}

func TestAMindKeyKeyLives365DaysAndNotASecondMore(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	rt, key := srv.Transport(), srv.Keys().Issue(mockserver.MindKey, mockserver.ExpiresIn(400*24*time.Hour))
	srv.Clock().Advance(365*24*time.Hour - time.Nanosecond)
	if got := get(t, rt, key); got.status != 200 {
		t.Errorf("a nanosecond before: %d", got.status)
	}
	srv.Clock().Advance(time.Nanosecond)
	if got := get(t, rt, key); got.status != 401 {
		t.Errorf("at 365 days: %d", got.status)
	}
	srv.Expect(t, mockserver.Match{Outcome: mockserver.Expired, KeyID: key.ID}, 1)
}

func TestRotateInheritsAndOverlaps(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	rt, keys := srv.Transport(), srv.Keys()
	limit := mockserver.Limit{Requests: 7, Per: time.Hour}
	old := keys.Issue(mockserver.MindKey, mockserver.Named("hr sync"), mockserver.Scopes("Employee"), mockserver.LimitTo(limit))
	next, err := keys.Rotate(old.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	want := old.Key
	want.ID, want.Fingerprint, want.Replaces = next.ID, next.Fingerprint, old.ID
	if d := cmp.Diff(want, next.Key); d != "" {
		t.Errorf("successor (-want +got):\n%s", d)
	}
	if a, b := get(t, rt, old).status, get(t, rt, next).status; a != 200 || b != 200 {
		t.Errorf("during the overlap: old %d, new %d", a, b)
	}
	srv.Clock().Advance(time.Hour)
	if a, b := get(t, rt, old).status, get(t, rt, next).status; a != 401 || b != 200 {
		t.Errorf("after the overlap: old %d, new %d", a, b)
	}
	if k, _ := keys.Get(old.ID); k.ReplacedBy != next.ID || k.Status != mockserver.StatusExpired {
		t.Errorf("old key: %+v", k)
	}
}

func TestRotateRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		prepare func(*mockserver.Keys) string
		want    error
	}{
		"an unknown key": {func(*mockserver.Keys) string { return "key_999999" }, mockserver.ErrNoSuchKey},
		"a revoked key": {func(k *mockserver.Keys) string {
			i := k.Issue(mockserver.Imin)
			_ = k.Revoke(i.ID, "leaked")
			return i.ID
		}, mockserver.ErrKeyEnded},
		"an expired key": {func(k *mockserver.Keys) string {
			i := k.Issue(mockserver.Imin)
			_ = k.Expire(i.ID)
			return i.ID
		}, mockserver.ErrKeyEnded},
		"a replaced key": {func(k *mockserver.Keys) string {
			i := k.Issue(mockserver.Imin)
			_, _ = k.Rotate(i.ID, time.Hour)
			return i.ID
		}, mockserver.ErrKeyReplaced},
		"overlap of a client key": {func(k *mockserver.Keys) string {
			return k.Issue(mockserver.IMKIT, mockserver.ClientKey("u1")).ID
		}, mockserver.ErrNoOverlap},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys := mockserver.New(t, mockserver.WithFrozenClock(epoch)).Keys()
			if _, err := keys.Rotate(tt.prepare(keys), time.Minute); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// Property: whatever sequence of rotations, expiries, revocations and jumps in
// time, no operation ever moves a key's end to a later time, and a fixed end
// is never outlived by a successor.
func TestRotationNeverExtendsALife(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		srv := mockserver.New(t, mockserver.WithFrozenClock(epoch), mockserver.WithSeed(seed))
		keys, end := srv.Keys(), epoch.Add(time.Duration(1+r.IntN(1000))*time.Hour)
		keys.Issue(mockserver.MindKey, mockserver.ExpiresAt(end))
		ends := map[string]time.Time{}
		for range 30 {
			all := keys.List(mockserver.KeyFilter{})
			id := all[r.IntN(len(all))].ID
			switch r.IntN(6) {
			case 0:
				_ = keys.Revoke(id, "")
			case 1:
				_ = keys.Expire(id)
			case 2:
				srv.Clock().Advance(time.Duration(r.IntN(100)) * time.Hour)
			default:
				_, _ = keys.Rotate(id, time.Duration(r.IntN(2000))*time.Hour)
			}
			for _, k := range keys.List(mockserver.KeyFilter{}) {
				if before, ok := ends[k.ID]; ok && k.Expires.After(before) {
					t.Fatalf("seed %d: %s: end moved from %s to %s", seed, k.ID, before, k.Expires)
				}
				if k.Expires.After(end) {
					t.Fatalf("seed %d: %s outlives the fixed end", seed, k.ID)
				}
				ends[k.ID] = k.Expires
			}
		}
	}
}

func TestRevokedKeysAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	for _, p := range mockserver.Providers() {
		key := srv.Keys().Issue(p)
		if err := srv.Keys().Revoke(key.ID, "leaked"); err != nil {
			t.Fatal(err)
		}
		if got := get(t, srv.Transport(), key); got.status != 401 && got.status != 403 {
			t.Errorf("%s: %d", p, got.status)
		}
	}
	srv.Expect(t, mockserver.Match{Outcome: mockserver.Revoked}, len(mockserver.Providers()))
}

func TestLastUsedMovesAtTheVendorsGranularity(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	rt, key := srv.Transport(), srv.Keys().Issue(mockserver.MindKey)
	used := func() time.Time { k, _ := srv.Keys().Get(key.ID); return k.LastUsed }
	if !used().IsZero() {
		t.Fatal("used before the first use")
	}
	var got []time.Time
	for range 4 {
		get(t, rt, key)
		got = append(got, used())
		srv.Clock().Advance(2 * time.Minute)
	}
	want := []time.Time{epoch, epoch, epoch, epoch.Add(6 * time.Minute)}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("last used at 0, 2, 4, 6 minutes (-want +got):\n%s", d)
	}
}

func TestStatusFollowsTheClock(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	keys, day := srv.Keys(), 24*time.Hour
	id := keys.Issue(mockserver.MindKey).ID
	status := func() mockserver.KeyStatus { k, _ := keys.Get(id); return k.Status }
	var got []mockserver.KeyStatus
	for _, d := range []time.Duration{0, 335*day - 1, 1, 30*day - 1, 1} {
		srv.Clock().Advance(d)
		got = append(got, status())
	}
	want := []mockserver.KeyStatus{mockserver.StatusActive, mockserver.StatusActive, mockserver.StatusExpiring, mockserver.StatusExpiring, mockserver.StatusExpired}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("at 0, 335 d less 1 ns, 335 d, 365 d less 1 ns, 365 d (-want +got):\n%s", d)
	}
	id = keys.Issue(mockserver.Imin, mockserver.Named("web")).ID
	if _, err := keys.Rotate(id, time.Hour); err != nil || status() != mockserver.StatusRotating {
		t.Errorf("%v %s", err, status())
	}
	_ = keys.Revoke(id, "leaked")
	_ = keys.Revoke(id, "again")
	if k, _ := keys.Get(id); k.Status != mockserver.StatusRevoked || k.RevokeReason != "leaked" {
		t.Errorf("%+v", k)
	}
	if n := len(keys.List(mockserver.KeyFilter{Provider: mockserver.Imin, Name: "web", Status: mockserver.StatusActive})); n != 1 {
		t.Errorf("%d active successors", n)
	}
}
