package mockserver_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

func TestAnImportedKeyIsAcceptedAndHidden(t *testing.T) {
	t.Parallel()
	for _, p := range mockserver.Providers() {
		const value = "test-key+of/our~suite=="
		var log bytes.Buffer
		srv := mockserver.New(t, mockserver.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		key := srv.Keys().Issue(p, mockserver.Raw(value), mockserver.Named("suite"))
		if key.Secret.Reveal() != value {
			t.Errorf("%s: the value is %q", p, key.Secret.Reveal())
		}
		rt := srv.Transport()
		if got := get(t, rt, key); got.status != 200 {
			t.Errorf("%s: %d %s", p, got.status, got.header.Get("X-Mock-Diagnosis"))
		}
		method, path := probe(p)
		r := newRequest(t, p, method, path+"?note=my+"+value, "")
		key.Apply(r)
		call(t, rt, r)
		for _, x := range srv.Requests(mockserver.Match{}) {
			if strings.Contains(x.Query, "suite==") || strings.Contains(x.Query, "our~suite") {
				t.Errorf("%s: journalled: %+v", p, x)
			}
		}
		next, err := srv.Keys().Rotate(key.ID, 0)
		if err != nil || next.Secret.Reveal() == value || next.Name != "suite" {
			t.Errorf("%s: successor %+v %v", p, next.Key, err)
		}
		if got := get(t, rt, key); got.status == 200 {
			t.Errorf("%s: still accepted after its rotation", p)
		}
		srv.Expect(t, mockserver.Match{Outcome: mockserver.Expired}, 1)
	}
}

func TestImportRefuses(t *testing.T) {
	t.Parallel()
	keys := mockserver.New(t).Keys()
	taken := keys.Issue(mockserver.Imin, mockserver.Raw("taken-already"))
	tests := map[string]struct {
		p    mockserver.Provider
		opts []mockserver.KeyOption
		want string
	}{
		"a short value":   {mockserver.Imin, []mockserver.KeyOption{mockserver.Raw("short")}, "8 to 1024"},
		"a long value":    {mockserver.Imin, []mockserver.KeyOption{mockserver.Raw(strings.Repeat("x", 1025))}, "8 to 1024"},
		"a space":         {mockserver.Imin, []mockserver.KeyOption{mockserver.Raw("with a space")}, "without space"},
		"a line feed":     {mockserver.Imin, []mockserver.KeyOption{mockserver.Raw("with-a-line\n")}, "printable"},
		"a pair":          {mockserver.IMKIT, []mockserver.KeyOption{mockserver.Raw("client-key"), mockserver.ClientKey("u")}, "API keys"},
		"a taken value":   {mockserver.Imin, []mockserver.KeyOption{mockserver.Raw("taken-already")}, "in use"},
		"another vendors": {mockserver.Optimove, []mockserver.KeyOption{mockserver.Raw("taken-already")}, "in use"},
	}
	for name, tt := range tests {
		if _, err := keys.TryIssue(tt.p, tt.opts...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := keys.TryIssue(mockserver.Imin, mockserver.Raw("taken-already")); !errors.Is(err, mockserver.ErrKeyInUse) {
		t.Errorf("%v is not ErrKeyInUse", err)
	}
	if d := cmp.Diff([]mockserver.Key{taken.Key}, keys.List(mockserver.KeyFilter{})); d != "" {
		t.Errorf("a refused import left something (-want +got):\n%s", d)
	}
}
