package integrationtest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/examples/integrationtest"
	"github.com/keyfit/keyfit/mockserver"
)

// newDirectory starts a mock server for the test and issues one key on it.
func newDirectory(t *testing.T, opts ...mockserver.KeyOption) (*integrationtest.Directory, *mockserver.Server, mockserver.Issued) {
	t.Helper()
	mock := mockserver.New(t)
	key := mock.Keys().Issue(mockserver.IMKIT, opts...)
	c, err := keyfit.New(keyfit.IMKIT(""),
		keyfit.WithBaseURL(mock.BaseURL(mockserver.IMKIT)), keyfit.WithKey(key.Secret.Reveal()))
	if err != nil {
		t.Fatal(err)
	}
	return integrationtest.NewDirectory(c), mock, key
}

func TestDirectoryReadsEveryPage(t *testing.T) {
	t.Parallel()
	directory, _, _ := newDirectory(t)
	before, err := directory.Nicknames(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for id, nickname := range map[string]string{"u1": "Ada", "u2": "Grace", "u3": "Edsger", "u4": "Barbara", "u5": "Alan"} {
		before[id] = nickname
		if err := directory.Add(t.Context(), id, nickname); err != nil {
			t.Fatal(err)
		}
	}
	got, err := directory.Nicknames(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, got); diff != "" {
		t.Errorf("nicknames (-want +got):\n%s", diff)
	}
}

func TestDirectoryFailsAtOnceWhenTheLimitExceedsTheDeadline(t *testing.T) {
	t.Parallel()
	directory, _, _ := newDirectory(t, mockserver.LimitTo(mockserver.Limit{Requests: 1, Per: time.Minute}))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := directory.Add(ctx, "u1", "Ada"); err != nil {
		t.Fatal(err)
	}
	err := directory.Add(ctx, "u2", "Grace")
	if !errors.Is(err, keyfit.ErrRateLimited) || ctx.Err() != nil {
		t.Errorf("got %v with context error %v, want ErrRateLimited before the deadline", err, ctx.Err())
	}
}

func TestDirectoryReportsARevokedKey(t *testing.T) {
	t.Parallel()
	directory, mock, key := newDirectory(t)
	if err := mock.Keys().Revoke(key.ID, "test"); err != nil {
		t.Fatal(err)
	}
	err := directory.Add(t.Context(), "u1", "Ada")
	if _, ok := errors.AsType[*keyfit.InvalidKeyError](err); !ok {
		t.Errorf("got %v, want an *InvalidKeyError", err)
	}
	mock.Expect(t, mockserver.Match{KeyID: key.ID}, 1)
}
