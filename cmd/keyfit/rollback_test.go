package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/joho/godotenv"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/mockserver"
)

// staysOld is a replica that never takes the new key.
func (w *rotateWorld) staysOld(t *testing.T) string {
	t.Helper()
	return script(t, `{"provider":"imkit","current":{"generation":1,"fingerprint":"`+fingerprint(w.old)+`"},"staged":{"fingerprint":"`+fingerprint(w.next)+`","state":"rejected"}}`).URL
}

// A rotation that does not end well puts the old content back in one swap; who follows the file
// meets whole keys only.
func TestAFailedRotationPutsTheOldKeyBack(t *testing.T) {
	t.Parallel()
	w := newRotateWorld(t, mockserver.IMKIT)
	before := w.content(t)
	stop, seen := make(chan struct{}), make(chan map[string]bool)
	go func() { // a program that follows the file
		all := map[string]bool{}
		for {
			select {
			case <-stop:
				seen <- all
				return
			default:
			}
			if vars, err := godotenv.Read(w.dotenv); err != nil {
				t.Error(err)
			} else {
				all[vars["IMKIT_API_KEY"]] = true
			}
			time.Sleep(time.Millisecond)
		}
	}()
	got := w.rotate(t, w.next, "imkit", "-", "--yes", "--json", "--watch", w.staysOld(t), "--watch-every", "10ms", "--timeout", "1500ms", "--rollback-on-failure")
	close(stop)
	all := <-seen
	found, names := events(t, got.out)
	want := []string{"present", "new", "verified", "verified", "swapped", "watching", "rolled_back", "failed"}
	if d := cmp.Diff(want, names); d != "" || got.code != cli.ExitFailure {
		t.Fatalf("%+v (-want +got):\n%s", got, d)
	}
	back, failed := found[6], found[7]
	if back.Fingerprint != fingerprint(w.old) || back.Previous != fingerprint(w.next) || failed.Changed == nil || *failed.Changed || !strings.Contains(failed.Text, "; the old key is back in IMKIT_API_KEY in ") {
		t.Errorf("%+v, %+v", back, failed)
	}
	if d := cmp.Diff(before, w.content(t)); d != "" {
		t.Errorf("the file (-want +got):\n%s", d)
	}
	delete(all, w.old)
	delete(all, w.next)
	if len(all) != 0 {
		t.Errorf("%d other values were read", len(all))
	}
}

// What the way back leaves alone, and what it says then.
func TestTheOldKeyIsNotPutBackBlindly(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		meanwhile func(t *testing.T, w *rotateWorld) // after the swap
		flags     []string
		want      string
	}{
		"not wanted":         {nil, nil, "; the new key is in "},
		"changed by another": {func(t *testing.T, w *rotateWorld) { t.Helper(); w.put(t, w.content(t)+"THEIRS=1\n") }, []string{"--rollback-on-failure"}, "the old key was not put back: somebody else has changed the file meanwhile"},
		"already revoked": {func(_ *testing.T, w *rotateWorld) {
			for _, k := range w.Keys().List(mockserver.KeyFilter{}) {
				if k.Fingerprint == fingerprint(w.old) {
					_ = w.Keys().Revoke(k.ID, "")
				}
			}
		}, []string{"--rollback-on-failure"}, "the old key was not put back: the vendor refuses it"},
		"nobody could say": {func(_ *testing.T, w *rotateWorld) { w.Inject(mockserver.Match{}, mockserver.Status(503, "")) }, []string{"--rollback-on-failure"}, "; the old key is back in "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRotateWorld(t, mockserver.IMKIT)
			swapped := false
			srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				if !swapped && tt.meanwhile != nil {
					tt.meanwhile(t, w)
				}
				swapped = true
				_, _ = rw.Write([]byte(`{"current":{"generation":1,"fingerprint":"` + fingerprint(w.old) + `"}}`))
			}))
			defer srv.Close()
			got := w.rotate(t, w.next, append([]string{"imkit", "-", "--yes", "--watch", srv.URL, "--watch-every", "10ms", "--timeout", "1500ms"}, tt.flags...)...)
			if got.code != cli.ExitFailure || !strings.Contains(got.err, tt.want) || strings.Count(got.err, "\n") != 1 {
				t.Errorf("%+v; want %q", got, tt.want)
			}
			if back := strings.Contains(got.err, "the old key is back"); back == strings.Contains(w.content(t), w.next) {
				t.Errorf("put back: %v, and the file says otherwise", back)
			}
		})
	}
}

// A date in a file whose path is meant from the .env file's directory could not be read back from a
// copy elsewhere. Nothing is changed then.
func TestABackupThatCouldNotBeReadBackIsRefused(t *testing.T) {
	t.Parallel()
	w := newRotateWorld(t, mockserver.MindKey)
	if err := os.WriteFile(filepath.Join(filepath.Dir(w.dotenv), "end.txt"), []byte("2090-01-31\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.put(t, w.content(t)+"MINDKEY_API_KEY_EXPIRES_FILE=end.txt\n")
	before, kept := w.content(t), filepath.Join(t.TempDir(), "before")
	got := w.rotate(t, w.next, "mindkey", "-", "--yes", "--backup", kept, "--expires", "none")
	if got.code != 1 || !strings.Contains(got.err, "could not be read back: give a file in "+filepath.Dir(w.dotenv)) {
		t.Errorf("%+v", got)
	}
	if _, err := os.Stat(kept); err == nil || w.content(t) != before {
		t.Error("something was changed")
	}
}

func TestRotateGoesBackToABackup(t *testing.T) {
	t.Parallel()
	for name, dates := range map[string]string{
		"no date": "", "its end": "MINDKEY_API_KEY_EXPIRES=2090-01-31\n", "its issue": "MINDKEY_API_KEY_ISSUED=2026-11-01\n",
		"both":        "MINDKEY_API_KEY_EXPIRES=2090-01-31\nMINDKEY_API_KEY_ISSUED=2026-11-01\n",
		"a fraction":  "MINDKEY_API_KEY_EXPIRES=2090-01-31T12:00:00.25Z\n",
		"a fraction2": "MINDKEY_API_KEY_EXPIRES=2090-01-31T12:00:00.000001Z\nMINDKEY_API_KEY_ISSUED=2026-11-01T00:00:00.5Z\n",
	} {
		w := newRotateWorld(t, mockserver.MindKey)
		w.put(t, w.content(t)+dates)
		first := w.content(t)
		kept := filepath.Join(t.TempDir(), "before")
		if got := w.rotate(t, w.next, "mindkey", "-", "--yes", "--backup", kept, "--expires", "2091-01-31"); got.code != 0 || !strings.Contains(got.out, "keyfit rotate mindkey --rollback "+kept+" --dotenv "+w.dotenv+" goes back") {
			t.Fatalf("%s: %+v", name, got)
		}
		if text := w.content(t); !strings.Contains(text, "MINDKEY_API_KEY_EXPIRES=2091-01-31\n") || strings.Contains(text, "_ISSUED") {
			t.Errorf("%s: the old key's date is still there: %s", name, strings.ReplaceAll(text, w.next, "…"))
		}
		w.put(t, w.content(t)+"LATER=1\n") // stays
		got := w.rotate(t, "", "mindkey", "--rollback", kept, "--yes", "--json")
		found, _ := events(t, got.out)
		if got.code != 0 || found[len(found)-1].Event != "done" || found[1].Fingerprint != fingerprint(w.old) {
			t.Fatalf("%s: %+v", name, got)
		}
		want, err := godotenv.Unmarshal(first + "LATER=1\n")
		if err != nil {
			t.Fatal(err)
		}
		have, err := godotenv.Unmarshal(w.content(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, vars := range []map[string]string{want, have} {
			for name, value := range vars { // a date is written as a time
				vars[name] = strings.TrimSuffix(value, "T00:00:00Z")
			}
		}
		if d := cmp.Diff(want, have); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestRotateDoesNotGoBackToAKeyThatIsRefused(t *testing.T) {
	t.Parallel()
	w := newRotateWorld(t, mockserver.IMKIT)
	kept := filepath.Join(t.TempDir(), "before")
	if got := w.rotate(t, w.next, "imkit", "-", "--yes", "--backup", kept); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	after := w.content(t)
	for _, k := range w.Keys().List(mockserver.KeyFilter{}) {
		if k.Fingerprint == fingerprint(w.old) {
			_ = w.Keys().Revoke(k.ID, "")
		}
	}
	for line, want := range map[string]string{
		"imkit --yes --rollback " + kept:                        "was not verified: ",
		"imkit --yes --rollback " + w.dotenv:                    "the new key is the current one",
		"imkit --yes --rollback /none/c4n4rY":                   "--rollback: there is no such file",
		"imkit - --yes --rollback " + kept:                      "leave out - and --key-file",
		"imkit --yes --expires 2090-01-31 --rollback " + kept:   "leave out --expires",
		"imkit --yes --leaked --rollback " + kept:               "no way back to a key that leaked",
		"imkit - --yes --leaked --rollback-on-failure":          "no way back to a key that leaked",
		"imkit - --yes --leaked --backup x":                     "would keep the key that leaked",
		"imkit - --yes --replicas 2":                            "--replicas is for --watch",
		"optimove --yes --file " + kept + " --rollback " + kept: "a key is one line", // a .env is no key file
	} {
		got := w.rotate(t, w.next, strings.Fields(line)...)
		if got.code == 0 || !strings.Contains(got.err, want) || strings.Count(got.err, "\n") != 1 || strings.Contains(got.err, "c4n4rY") {
			t.Errorf("%s: %+v; want %q", line, got, want)
		}
	}
	if w.content(t) != after {
		t.Error("the file was changed")
	}
}

// At a mock the key that leaked is revoked before the new one is tried; a new one that is bad then
// leaves the file, and the program says what that means.
func TestAKeyThatLeakedGoesFirst(t *testing.T) {
	t.Parallel()
	env := mockFor(t)
	w := newRotateWorldAt(t, env)
	before := w.content(t)
	w.secrets = append(w.secrets, "c4n4rYc4n4rY")
	got := w.rotateIn(t, env, "c4n4rYc4n4rY", "imkit", "-", "--yes", "--mock", "--leaked")
	if got.code != cli.ExitFailure || !strings.Contains(got.err, "the file was not changed, and the old key is revoked: calls fail until a good key is in ") || w.content(t) != before {
		t.Errorf("a bad new key: %+v", got)
	}
	got = w.rotateIn(t, env, w.next, "imkit", "-", "--yes", "--json", "--mock", "--leaked", "--watch-every", "5ms")
	found, names := events(t, got.out)
	names = slices.DeleteFunc(names, func(name string) bool { return name == "look" || name == "warning" })
	if d := cmp.Diff([]string{"present", "advice", "new", "revoked", "verified", "verified", "swapped", "refused", "done"}, names); d != "" || got.code != 0 {
		t.Fatalf("%+v (-want +got):\n%s", got, d)
	}
	looks := 0
	for _, e := range found {
		if e.Event == "look" && e.Fingerprint == fingerprint(w.old) {
			looks++
		}
	}
	if looks < 3 || imkitStatus(t, env["IMKIT_BASE_URL"], w.old) != 401 || imkitStatus(t, env["IMKIT_BASE_URL"], w.next) != 200 {
		t.Errorf("%d places to look at", looks)
	}
}

// At a real vendor keyfit cannot revoke: it waits until the vendor refuses the key.
func TestRotateWaitsUntilTheKeyThatLeakedIsRefused(t *testing.T) {
	t.Parallel()
	w := newRotateWorld(t, mockserver.Optimove)
	got := w.rotate(t, w.next, "optimove", "-", "--yes", "--leaked", "--watch-every", "5ms", "--timeout", "1500ms")
	if got.code != cli.ExitFailure || !strings.Contains(got.out, "the old key "+fingerprint(w.old)+" still works: revoke it now") || strings.Count(got.out, "still works") != 1 ||
		!strings.Contains(got.err, "was not refused within 1.5s: revoke it, in Optimove, Settings") || !strings.Contains(got.err, "do not go back to it") {
		t.Errorf("nobody revokes it: %+v", got)
	}
	if !strings.Contains(w.content(t), w.next) {
		t.Error("the new key is not there")
	}

	w = newRotateWorld(t, mockserver.Optimove)
	w.Inject(mockserver.Match{KeyID: keyID(t, w, w.old)}, mockserver.Status(401, "no"), mockserver.After(3)) // somebody revokes it meanwhile
	got = w.rotate(t, w.next, "optimove", "-", "--yes", "--leaked", "--watch-every", "5ms", "--timeout", "20s")
	if got.code != 0 || !strings.Contains(got.out, "✓ refused     "+fingerprint(w.old)+", by the vendor: 401 Unauthorized") || !strings.Contains(got.out, "→ look for    X-API-KEY in logs") {
		t.Errorf("%+v", got)
	}

	w = newRotateWorld(t, mockserver.Iiniit)
	if got = w.rotate(t, w.next, "iiniit", "-", "--yes", "--leaked"); got.code != 0 || !strings.Contains(got.out, "keyfit cannot see whether the old key "+fingerprint(w.old)+" still works") {
		t.Errorf("without a call: %+v", got)
	}
	w.put(t, "A=1\n")
	if got = w.rotate(t, w.next, "optimove", "-", "--yes", "--leaked"); got.code != cli.ExitUsage || !strings.Contains(got.err, "has no key that could have leaked") {
		t.Errorf("without a key: %+v", got)
	}
}

func keyID(t *testing.T, w *rotateWorld, key string) string {
	t.Helper()
	for _, k := range w.Keys().List(mockserver.KeyFilter{}) {
		if k.Fingerprint == fingerprint(key) {
			return k.ID
		}
	}
	t.Fatal("no such key")
	return ""
}

// The whole with processes: a mock, two services under load, and a rotation to a key that is taken
// away a moment after the swap. The old key comes back, and no call fails.
func TestARotationIsRolledBackUnderLoadByProcesses(t *testing.T) {
	t.Parallel()
	mock := startProcess(t, "--no-rate-limit", "--log", "off")
	env := map[string]string{"KEYFIT_ADMIN_URL": mock.ready.Admin.URL, "KEYFIT_ADMIN_TOKEN": mock.ready.Admin.Token, "IMKIT_BASE_URL": mock.ready.URLs["imkit"]}
	w := newRotateWorldAt(t, env)
	before := w.content(t)
	one, two := startService(t, w.dotenv), startService(t, w.dotenv)

	rotation := program("rotate", "imkit", "-", "--yes", "--json", "--dotenv", w.dotenv, "--watch", one.url, "--watch", two.url,
		"--watch-every", "20ms", "--timeout", "1500ms", "--rollback-on-failure")
	rotation.Stdin = strings.NewReader(w.next)
	var errs bytes.Buffer
	rotation.Stderr = &errs
	out, err := rotation.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := rotation.Start(); err != nil {
		t.Fatal(err)
	}
	said := suspendAtSwap(t, out, env, fingerprint(w.next))
	_ = rotation.Wait()
	_, names := events(t, said)
	if rotation.ProcessState.ExitCode() != cli.ExitFailure || !slices.Contains(names, "rolled_back") || names[len(names)-1] != "failed" {
		t.Fatalf("%v: %s%s", rotation.ProcessState, said, errs.String())
	}
	w.quiet(t, said+errs.String())
	if d := cmp.Diff(before, w.content(t)); d != "" {
		t.Errorf("the file (-want +got):\n%s", d)
	}
	current := `"current":"` + fingerprint(w.old) + `"`
	for late := time.Now().Add(20 * time.Second); ; { // until both follow the file again
		got := runKeyfit(t, nil, "watch", one.url, two.url, "--once", "--json")
		if strings.Count(got.out, current) == 2 {
			break
		}
		if time.Now().After(late) {
			t.Fatalf("%+v", got)
		}
	}
	for _, s := range []*service{one, two} {
		calls, failed := s.end(t)
		if failed != 0 || calls == 0 {
			t.Errorf("%d of %d calls failed", failed, calls)
		}
	}
	if entries := dirNames(t, w.dir); !cmp.Equal(entries, []string{filepath.Base(w.dotenv)}) {
		t.Errorf("files: %v", entries)
	}
	if info, err := os.Stat(w.dotenv); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}
