package mindkey_test

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/provider/mindkey"
)

func TestPingTellsAGoodKeyFromABadOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.client.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	w.srv.Clock().Advance(365 * 24 * time.Hour)
	err := w.client.Ping(t.Context())
	if _, ok := errors.AsType[*keyfit.InvalidKeyError](err); !ok {
		t.Errorf("after 365 days: %v", err)
	}
}

func TestNewNamesThePlacesWithoutAKey(t *testing.T) {
	t.Setenv("MINDKEY_API_KEY", "")
	_, err := mindkey.New(keyfit.WithoutDotEnv())
	if !errors.Is(err, keyfit.ErrNoKey) || !strings.Contains(err.Error(), "MINDKEY_API_KEY") {
		t.Errorf("%v", err)
	}
}

func TestExpiryIsReadFromTheEnvironment(t *testing.T) {
	t.Setenv("MINDKEY_API_KEY", "key-of-a-test")
	t.Setenv("MINDKEY_API_KEY_EXPIRES", "2027-03-01")
	client, err := mindkey.New(keyfit.WithoutDotEnv())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := client.KeyExpires(), time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func expiring(t *testing.T, end time.Time) *mindkey.Client {
	t.Helper()
	client, err := mindkey.New(keyfit.WithSource(keyfit.Static(keyfit.Credential{Key: keyfit.NewSecret("key-of-a-test"), Expires: end})))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestExpiryWarningsComeOnceAtEachThreshold(t *testing.T) {
	t.Parallel()
	end := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	warnings := expiring(t, end).ExpiryWarnings()
	got := map[string]int{}
	for now := end.AddDate(0, 0, -40); now.Before(end.AddDate(0, 0, 3)); now = now.Add(time.Hour) {
		if w, ok := warnings.Due(now); ok {
			got[now.Format(time.DateTime)] = w.Days
		}
	}
	want := map[string]int{"2027-01-30 00:00:00": 30, "2027-02-15 00:00:00": 14, "2027-02-22 00:00:00": 7, "2027-02-28 00:00:00": 1, "2027-03-01 00:00:00": 0}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestExpiryWarningIsTheMostUrgentOne(t *testing.T) {
	t.Parallel()
	end := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	client := expiring(t, end)
	warnings := client.ExpiryWarnings()
	w, ok := warnings.Due(end.Add(-36 * time.Hour))
	const text = " expires at 2027-03-01T12:00:00Z, within 7 days, without a grace period"
	if !ok || w.Days != 7 || !strings.Contains(w.String(), text) || strings.Contains(w.String(), "key-of-a-test") {
		t.Errorf("%v: %s", ok, w)
	}
	if w, ok := warnings.Due(end); !ok || w.Days != 0 || !strings.HasSuffix(w.String(), "is refused") {
		t.Errorf("at the end %v: %s", ok, w)
	}
	next := keyfit.Credential{Key: keyfit.NewSecret("another-key-of-a-test"), Expires: end.AddDate(1, 0, 0)}
	if err := client.Keyfit().Keys().Rotate(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	if w, ok := warnings.Due(end); ok {
		t.Errorf("of the new key: %s", w)
	}
	if w, ok := warnings.Due(next.Expires.Add(-time.Hour)); !ok || w.Days != 1 || w.Fingerprint != next.Fingerprint() || !strings.Contains(w.String(), "within 1 day,") {
		t.Errorf("of the new key at its end, %v: %s", ok, w)
	}
}

func TestExpiryThatIsNotKnownIsNotWarnedOf(t *testing.T) {
	t.Parallel()
	client := expiring(t, time.Time{})
	if w, ok := client.ExpiryWarnings().Due(start); ok || !client.KeyExpires().IsZero() {
		t.Errorf("%s", w)
	}
}

// TestOperationsAreThoseOfTheMock calls every operation and compares the requests with the
// mock's OpenAPI document.
func TestOperationsAreThoseOfTheMock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, c := t.Context(), w.client
	errs := []error{c.Ping(ctx)}
	note := func(_ any, err error) { errs = append(errs, err) }
	note(c.Employees.List(ctx, mindkey.Query{}))
	note(c.Employees.Get(ctx, "EMP001", mindkey.Query{}))
	note(c.Dependants.List(ctx, mindkey.Query{}))
	note(c.Dependants.Get(ctx, "EMP001-D1", mindkey.Query{}))
	note(c.Equipment.List(ctx, mindkey.Query{}))
	note(c.Equipment.Get(ctx, "EMP001-E1", mindkey.Query{}))
	note(c.UserDefinedColumns.List(ctx, mindkey.Query{}))
	note(c.UserDefinedColumns.Get(ctx, "EMP001-U1", mindkey.Query{}))
	note(c.PositionVersions.List(ctx, mindkey.Query{}))
	note(c.PositionVersions.Get(ctx, "POS001-1", mindkey.Query{}))
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	var doc struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(mockserver.OpenAPI(mockserver.MindKey), &doc); err != nil {
		t.Fatal(err)
	}
	want, got := map[string]bool{}, map[string]bool{}
	for path, methods := range doc.Paths {
		if strings.Contains(path, "$") || strings.HasSuffix(path, "/") {
			continue // what OData has beside the vendor's pages
		}
		for method := range methods {
			want[strings.ToUpper(method)+" "+path] = true
		}
	}
	for _, x := range w.srv.Requests(mockserver.Match{}) {
		path := x.Path
		if parts := strings.Split(path, "/"); len(parts) == 5 {
			path = strings.Join(append(parts[:4], "{key}"), "/")
		}
		got[x.Method+" "+path] = true
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("(-mock +client):\n%s", diff)
	}
}
