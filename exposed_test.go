package keyfit_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

// A key file that others can read, or that git tracks, is reported once, and so is a new one.
func TestAFileThatOthersCanReadIsReportedOnce(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no bits of unix")
	}
	dir := t.TempDir()
	write := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// An index of git with one entry: the object and the data of the file do not matter.
	entry := binary.BigEndian.AppendUint16(make([]byte, 60), uint16(len("tracked/.env")))
	write(".git/index", "DIRC\x00\x00\x00\x02\x00\x00\x00\x01"+string(entry)+"tracked/.env\x00\x00\x00\x00\x00\x00", 0o600)
	mode := func(path, bits string) string {
		return path + " can be read by everybody on this machine (mode " + bits + "): chmod 600 makes it the owner's alone"
	}
	private, open := write("private", "exposed-key-1", 0o600), write("open", "exposed-key-1", 0o644)
	dotenv := write("dotenv/.env", "K=exposed-key-1\n", 0o666)
	via := write("via/.env", "K_FILE=key\n", 0o644) // has no key itself
	viaKey := write("via/key", "exposed-key-1", 0o644)
	tracked := write("tracked/.env", "K=exposed-key-1\n", 0o600)
	for name, tt := range map[string]struct {
		source keyfit.Source
		file   string
		want   []string
	}{
		"a file of the owner's":      {keyfit.File(private), private, nil},
		"a file":                     {keyfit.File(open), open, []string{mode(open, "0644")}},
		"a .env":                     {keyfit.DotEnv(dotenv, "K"), dotenv, []string{mode(dotenv, "0666")}},
		"a key file that .env names": {keyfit.DotEnv(via, "K"), viaKey, []string{mode(viaKey, "0644")}},
		"a .env that git tracks":     {keyfit.DotEnv(tracked, "K"), tracked, []string{tracked + " is tracked by git in " + dir + ": take it out with git rm --cached and have the key replaced, because it stays in the history"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			ring, err := keyfit.NewKeyring(t.Context(), tt.source, keyfit.WithHooks(keyfit.Hooks{Key: func(e keyfit.KeyEvent) {
				if e.Kind == keyfit.KeyExposed {
					got = append(got, e.Reason)
				}
				if strings.Contains(e.Reason, "exposed-key") {
					t.Errorf("the event tells the key: %q", e.Reason)
				}
			}}))
			if err != nil {
				t.Fatal(err)
			}
			content, err := os.ReadFile(tt.file)
			if err != nil {
				t.Fatal(err)
			}
			write2 := strings.Replace(string(content), "-1", "-2", 1)
			if err := os.WriteFile(tt.file, []byte(write2), 0o600); err != nil { // keeps its mode
				t.Fatal(err)
			}
			for range 2 {
				if _, err := ring.Reload(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			resolved, _ := filepath.EvalSymlinks(dir)
			for i := range got {
				got[i] = strings.Replace(got[i], "git in "+resolved, "git in "+dir, 1)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}
