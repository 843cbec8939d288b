package mockserver_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyfit/keyfit/mockserver"
)

// What was appended to a state file does not vanish without a word, whatever became of it.
func TestAStateFileWithoutItsChangesIsNotStarted(t *testing.T) {
	t.Parallel()
	srv, path := saving(t, manyKeys)
	for range 6 {
		srv.Keys().Issue(mockserver.IMKIT)
	}
	document, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changes, err := os.ReadFile(path + ".changes")
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(changes, []byte("\n"))
	start := func(document, changes []byte) error {
		path := filepath.Join(t.TempDir(), "state.json")
		err := os.WriteFile(path, document, 0o600)
		if changes != nil {
			err = errors.Join(err, os.WriteFile(path+".changes", changes, 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
		srv, err := mockserver.NewHandler(mockserver.WithStateFile(path))
		if err == nil {
			err = srv.Close()
		}
		return err
	}
	for name, changes := range map[string][]byte{
		"missing": nil, "emptied": {}, "a line cut out": bytes.Join(append(lines[:2:2], lines[3:]...), nil), "of another": []byte(strings.Replace(string(changes), " 2 ", " 2 0", 1)),
	} {
		if err := start(document, changes); err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "changes") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, changes := range map[string][]byte{"whole": changes, "torn": changes[:len(changes)-9]} {
		if err := start(document, changes); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := start(bytes.Replace(document, []byte(`"changes": true`), []byte(`"changes": false`), 1), nil); err != nil {
		t.Errorf("on request: %v", err)
	}
	st, err := mockserver.ParseState(document)
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{"Restore": srv.Restore(st), "RestoreAll": srv.RestoreAll(st)} {
		if err == nil || !strings.Contains(err.Error(), "running mock") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	closed, err := os.ReadFile(path)
	if err != nil || bytes.Contains(closed, []byte(`"changes"`)) || start(closed, nil) != nil {
		t.Errorf("the file of a server that was closed is not the state alone: %v", err)
	}
}
