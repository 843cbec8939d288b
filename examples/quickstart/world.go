package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/keyfit/keyfit/mockserver"
)

// world is the mock, the keys that it issued, and the .env that the clients read.
type world struct {
	mock   *mockserver.Server
	dir    string
	dotenv string
	keys   map[mockserver.Provider]mockserver.Issued
}

func newWorld(ctx context.Context) (*world, error) {
	mock, err := mockserver.Start(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "keyfit-quickstart-")
	if err != nil {
		return nil, err
	}
	w := &world{mock: mock, dir: dir, dotenv: filepath.Join(dir, ".env"), keys: map[mockserver.Provider]mockserver.Issued{}}
	for p, opts := range map[mockserver.Provider][]mockserver.KeyOption{
		mockserver.Imin:     nil,
		mockserver.MindKey:  {mockserver.Scopes("Employee")},
		mockserver.IMKIT:    nil,
		mockserver.Optimove: {mockserver.Access(mockserver.Admin)},
		mockserver.Iiniit:   nil,
	} {
		if w.keys[p], err = mock.Keys().TryIssue(p, opts...); err != nil {
			return nil, err
		}
	}
	return w, w.writeDotEnv()
}

// writeDotEnv writes keys and base URLs as a person would, and whole: a reader sees the
// old file or the new one.
func (w *world) writeDotEnv() error {
	var b strings.Builder
	for _, p := range []mockserver.Provider{mockserver.Imin, mockserver.MindKey, mockserver.IMKIT, mockserver.Optimove, mockserver.Iiniit} {
		name := strings.ToUpper(string(p))
		fmt.Fprintf(&b, "%s_API_KEY=%s\n%s_BASE_URL=%s\n", name, w.keys[p].Secret.Reveal(), name, w.mock.BaseURL(p))
	}
	next := w.dotenv + ".next"
	if err := os.WriteFile(next, []byte(b.String()), 0o600); err != nil {
		return err
	}
	return os.Rename(next, w.dotenv)
}

func (w *world) close() {
	_ = w.mock.Close()
	_ = os.RemoveAll(w.dir)
}
