package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/keyfit/keyfit/mockserver"
)

// environment is the mock server, the keys that it issued, and the .env file that the
// clients read.
type environment struct {
	mock   *mockserver.Server
	dir    string
	dotenv string
	keys   map[mockserver.Provider]mockserver.Issued
}

func newEnvironment(ctx context.Context) (*environment, error) {
	mock, err := mockserver.Start(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "keyfit-quickstart-")
	if err != nil {
		return nil, err
	}
	env := &environment{mock: mock, dir: dir, dotenv: filepath.Join(dir, ".env"), keys: map[mockserver.Provider]mockserver.Issued{}}
	for p, opts := range map[mockserver.Provider][]mockserver.KeyOption{
		mockserver.Imin:     nil,
		mockserver.MindKey:  {mockserver.Scopes("Employee")},
		mockserver.IMKIT:    nil,
		mockserver.Optimove: {mockserver.Access(mockserver.Admin)},
		mockserver.Iiniit:   nil,
	} {
		if env.keys[p], err = mock.Keys().TryIssue(p, opts...); err != nil {
			return nil, err
		}
	}
	return env, env.writeDotEnv()
}

// writeDotEnv writes the keys and base URLs to the .env file. It replaces the file
// atomically: a reader sees either the old file or the new one.
func (env *environment) writeDotEnv() error {
	var b strings.Builder
	for _, p := range []mockserver.Provider{mockserver.Imin, mockserver.MindKey, mockserver.IMKIT, mockserver.Optimove, mockserver.Iiniit} {
		name := strings.ToUpper(string(p))
		fmt.Fprintf(&b, "%s_API_KEY=%s\n%s_BASE_URL=%s\n", name, env.keys[p].Secret.Reveal(), name, env.mock.BaseURL(p))
	}
	next := env.dotenv + ".next"
	if err := os.WriteFile(next, []byte(b.String()), 0o600); err != nil {
		return err
	}
	return os.Rename(next, env.dotenv)
}

func (env *environment) close() {
	_ = env.mock.Close()
	_ = os.RemoveAll(env.dir)
}
