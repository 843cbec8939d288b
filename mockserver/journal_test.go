package mockserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

func TestTheJournalRecordsEveryRequest(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch))
	key := srv.Keys().Issue(mockserver.IMKIT)
	r := newRequest(t, mockserver.IMKIT, "POST", "/admin/clients?b=2&a=1", `{"_id":"u1"}`)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "test")
	key.Apply(r)
	answer := call(t, srv.Transport(), r)
	want := []mockserver.Exchange{{
		ID: 1, At: epoch, Decided: epoch, Provider: mockserver.IMKIT, Method: "POST", Path: "/admin/clients", Query: "b=2&a=1",
		Header: http.Header{
			"Content-Type": {"application/json"}, "User-Agent": {"test"}, "Im-Api-Key": {"[redacted]"},
			"Content-Length": {"12"}, "Accept-Encoding": {"gzip"},
		},
		Body: `{"_id":"u1"}`, Status: 200, Outcome: mockserver.OK, KeyID: key.ID, Conn: 1,
		Diagnosis:      mockserver.Diagnosis{Outcome: mockserver.OK, KeyID: key.ID},
		ResponseHeader: http.Header{"Content-Type": {"application/json; charset=utf-8"}, "Date": {"Fri, 01 Jan 2027 00:00:00 GMT"}},
		ResponseBody:   answer.body,
	}}
	if d := cmp.Diff(want, srv.Requests(mockserver.Match{Path: "/admin/*"})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestCountsStayExactWhenTheJournalForgets(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithJournal(10, 1<<20), mockserver.WithoutRateLimits())
	rt, key := srv.Transport(), srv.Keys().Issue(mockserver.IMKIT)
	for range 137 {
		get(t, rt, key)
	}
	got := srv.Requests(mockserver.Match{})
	if len(got) != 10 || got[0].ID != 128 || got[9].ID != 137 {
		t.Errorf("%d entries, first %d, last %d", len(got), got[0].ID, got[len(got)-1].ID)
	}
	want := mockserver.Counts{Total: 137, ByOutcome: map[mockserver.Outcome]int{mockserver.OK: 137}}
	if d := cmp.Diff(want, srv.Counts(mockserver.Match{KeyID: key.ID, Path: "/admin/connection-count"})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestTheJournalIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithJournal(1000, 64<<10))
	rt, key := srv.Transport(), srv.Keys().Issue(mockserver.IMKIT)
	for i := range 50 {
		r := newRequest(t, mockserver.IMKIT, "POST", "/admin/clients", fmt.Sprintf(`{"_id":"u%d","nickname":%q}`, i, strings.Repeat("n ", 5000)))
		key.Apply(r)
		call(t, rt, r)
	}
	size := 0
	for _, x := range srv.Requests(mockserver.Match{}) {
		size += len(x.Body)
	}
	if size > 64<<10 || size == 0 {
		t.Errorf("%d bytes of bodies", size)
	}
	srv.Expect(t, mockserver.Match{}, 50)
}

func TestAJournalOfNoEntriesStillCounts(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithJournal(0, 0))
	get(t, srv.Transport(), srv.Keys().Issue(mockserver.Imin))
	if n := len(srv.Requests(mockserver.Match{})); n != 0 {
		t.Errorf("%d entries", n)
	}
	srv.Expect(t, mockserver.Match{Outcome: mockserver.OK}, 1)
}

func TestWaitForReturnsWhenEnoughArrived(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	rt, key := srv.Transport(), srv.Keys().Issue(mockserver.Imin)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		for range 3 {
			get(t, rt, key)
		}
	})
	got, err := srv.WaitFor(t.Context(), mockserver.Match{Provider: mockserver.Imin}, 3)
	if err != nil || len(got) != 3 {
		t.Errorf("%d, %v", len(got), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := srv.WaitFor(ctx, mockserver.Match{}, 4); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestConnectionsAreNumbered(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	key := srv.Keys().Issue(mockserver.Imin)
	one := srv.Transport()
	get(t, one, key)
	get(t, one, key)
	get(t, srv.Transport(), key)
	var got []uint64
	for _, x := range srv.Requests(mockserver.Match{}) {
		got = append(got, x.Conn)
	}
	if d := cmp.Diff([]uint64{1, 1, 2}, got); d != "" {
		t.Error(d)
	}
}

// The canary: whatever a request does with a secret, no output of the server
// shows it.
func TestNoSecretReachesAnyOutput(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	srv := mockserver.New(t, mockserver.WithLogger(slog.New(slog.NewJSONHandler(&log, nil))))
	rt := srv.Transport()
	var canaries []string
	var dump strings.Builder
	for _, p := range mockserver.Providers() {
		keys := []mockserver.Issued{srv.Keys().Issue(p)}
		switch p {
		case mockserver.IMKIT:
			keys = append(keys, srv.Keys().Issue(p, mockserver.ClientKey("u1")))
		case mockserver.Iiniit:
			keys = append(keys, srv.Keys().Issue(p, mockserver.Bearer()))
		}
		for _, key := range keys {
			canaries = append(canaries, key.Secret.Reveal())
			if !key.Token.IsZero() {
				canaries = append(canaries, key.Token.Reveal())
			}
			hidden := struct{ inner mockserver.Issued }{key}
			fmt.Fprintf(&dump, "%v %+v %#v %s %q %d %x %+v %#v\n", key, key, key.Secret, key.Secret, key.Secret, key.Secret, key.Secret, hidden, hidden)
			_ = json.NewEncoder(&dump).Encode(key)
			slog.New(slog.NewTextHandler(&dump, nil)).Info("x", "key", key, "secret", key.Secret)
		}
	}
	canaries = append(canaries, foreignKey, "sk live+with/odd%chars==and more")
	for _, secret := range canaries {
		for _, p := range mockserver.Providers() {
			for _, place := range []string{"X-API-KEY", "Authorization", "IM-API-KEY", "IM-CLIENT-KEY", "IM-Authorization", "Cookie", "X-Whatever"} {
				for _, prefix := range []string{"", "ApiKey ", "Bearer ", "ApiKey-v2 "} {
					q := url.Values{"api_key": {secret}, "access_token": {secret}, "next": {"a " + secret + " b"}}
					r := newRequest(t, p, "POST", "/resource/"+url.PathEscape(secret)+"?"+q.Encode(), `{"note":"`+secret+`","in":"k=`+secret+`"}`)
					r.Header.Set(place, prefix+secret)
					r.Header.Set("User-Agent", "agent "+secret)
					got := call(t, rt, r)
					fmt.Fprintln(&dump, got.header, got.body)
					method, path := probe(p)
					r = newRequest(t, p, method, path+"?q="+url.QueryEscape(secret), secret)
					r.Header.Set(place, prefix+secret)
					call(t, rt, r)
				}
			}
		}
	}
	for _, k := range srv.Keys().List(mockserver.KeyFilter{}) {
		fmt.Fprintf(&dump, "%+v\n", k)
	}
	for _, x := range srv.Requests(mockserver.Match{}) {
		fmt.Fprintf(&dump, "%+v\n%s\n", x, x)
		_ = json.NewEncoder(&dump).Encode(x)
	}
	for name, out := range map[string]string{"journal, keys, answers": dump.String(), "log": log.String()} {
		for _, secret := range canaries {
			for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret)} {
				if i := strings.Index(out, form); i >= 0 {
					t.Fatalf("%s shows %q: … %s", name, form, out[max(0, i-200):i+len(form)])
				}
			}
		}
	}
}

func TestAForeignKeyIsReportedAndNotRecorded(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	srv := mockserver.New(t, mockserver.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	r := newRequest(t, mockserver.IMKIT, "POST", "/admin/clients?a=b", `{"_id":"u1"}`)
	r.Header.Set("IM-API-KEY", foreignKey)
	call(t, srv.Transport(), r)
	got := srv.Requests(mockserver.Match{Outcome: mockserver.NotAMockKey})
	if len(got) != 1 || len(got[0].Header) != 0 || got[0].Body != "" || got[0].Query != "" {
		t.Errorf("%+v", got)
	}
	if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "production key") {
		t.Errorf("log: %s", log.String())
	}
}

func TestEchoShowsTheKeyToTheClientOnly(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t, mockserver.WithFrozenClock(epoch.Add(time.Hour)))
	srv.Inject(mockserver.Match{}, mockserver.Echo())
	key := srv.Keys().Issue(mockserver.Imin)
	got := get(t, srv.Transport(), key)
	if got.header.Get("X-Echo") != key.Secret.Reveal() || !strings.Contains(got.body, key.Secret.Reveal()) {
		t.Errorf("no echo: %v %s", got.header, got.body)
	}
	if x := fmt.Sprintf("%+v", srv.Requests(mockserver.Match{})); strings.Contains(x, key.Secret.Reveal()) {
		t.Error("the echo is in the journal")
	}
}

// A key may be mentioned by a request that does not present it.
func TestAMentionedKeyIsRedactedToo(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	sender := srv.Keys().Issue(mockserver.Iiniit)
	for _, p := range mockserver.Providers() {
		secret := srv.Keys().Issue(p).Secret.Reveal()
		body := `{"key":"` + secret + `","text":"id=` + secret + `, and more"}`
		r := newRequest(t, mockserver.Iiniit, "POST", "/resource?note="+url.QueryEscape("see "+secret), body)
		r.Header.Set("User-Agent", secret)
		sender.Apply(r)
		call(t, srv.Transport(), r)
		all := srv.Requests(mockserver.Match{})
		got := all[len(all)-1]
		want := strings.ReplaceAll(body, secret, "[redacted]")
		if got.Body != want || got.Query != "note=see+[redacted]" || got.Header.Get("User-Agent") != "[redacted]" {
			t.Errorf("%s: %s %s %s", p, got.Body, got.Query, got.Header)
		}
	}
}
