//go:build unix

package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/mockserver"
)

const dayFile = `name: my-day
steps:
  - at: 10m
    rotate: {provider: imkit, overlap: 1h}
  - at: 20m
    storm: {retryAfter: 5s, for: 1m}
`

// TestAScenarioIsPlayedByARunningMock drives one with the commands: no key is in the status,
// and the file of the key follows the rotation.
func TestAScenarioIsPlayedByARunningMock(t *testing.T) {
	t.Parallel()
	file, keys := filepath.Join(t.TempDir(), "day.yaml"), t.TempDir()
	writeFile(t, file, dayFile)
	env := mockFor(t, "--log", "off", "--freeze", "2027-01-31", "--providers", "imkit", "--key-files", keys, "--scenario", file)
	must := func(args ...string) string {
		t.Helper()
		got := runKeyfit(t, env, args...)
		if got.code != 0 {
			t.Fatalf("%v: %+v", args, got)
		}
		return got.out
	}
	key := func() string {
		data, err := os.ReadFile(env["IMKIT_API_KEY_FILE"])
		if err != nil || env["IMKIT_API_KEY"] != "" {
			t.Fatal(err, env["IMKIT_API_KEY"])
		}
		return strings.TrimSpace(string(data))
	}
	status := func(key string) int { return imkitStatus(t, env["IMKIT_BASE_URL"], key) }
	old := key()
	must("clock", "advance", "15m")
	next := key()
	if old == next || status(old) != http.StatusOK || status(next) != http.StatusOK {
		t.Errorf("after the rotation: same %v, old %d, new %d", old == next, status(old), status(next))
	}
	shown := must("scenario", "status") + must("scenario", "status", "--json")
	if !strings.Contains(shown, "rotate every key of imkit, with an overlap of 1h") || strings.Contains(shown, next) || strings.Contains(shown, old) {
		t.Errorf("status:\n%s", shown)
	}
	if took := must("scenario", "take"); !strings.Contains(took, next) || strings.Contains(must("scenario", "take"), next) {
		t.Errorf("take:\n%s", took)
	}
	must("clock", "advance", "5m")
	if got := status(next); got != http.StatusTooManyRequests {
		t.Errorf("in the storm: %d", got)
	}
	must("scenario", "stop")
	if got := status(next); got != http.StatusOK {
		t.Errorf("stopped in the storm: %d", got)
	}
	if got := runKeyfit(t, env, "scenario", "stop"); got.code != 1 || !strings.Contains(got.err, "no scenario is playing") {
		t.Errorf("%+v", got)
	}
	must("scenario", "play", "outage", "--providers", "imkit")
	if got := runKeyfit(t, env, "scenario", "play", "storm"); got.code != 1 || !strings.Contains(got.err, "stop it first") {
		t.Errorf("%+v", got)
	}
}

// TestTheReadyScenariosAreFiles holds that what show prints is what play reads.
func TestTheReadyScenariosAreFiles(t *testing.T) {
	t.Parallel()
	for _, want := range mockserver.Scenarios() {
		file := filepath.Join(t.TempDir(), want.Name+".yaml")
		writeFile(t, file, runKeyfit(t, nil, "scenario", "show", want.Name).out)
		got := runKeyfit(t, nil, "scenario", "show", file, "--json")
		var read mockserver.Scenario
		if err := json.Unmarshal([]byte(got.out), &read); err != nil || got.code != 0 {
			t.Fatalf("%s: %v %+v", want.Name, err, got)
		}
		if d := cmp.Diff(want, read); d != "" {
			t.Errorf("%s (-want +got):\n%s", want.Name, d)
		}
	}
}

func TestAScenarioFileWithAMistakeStartsNothing(t *testing.T) {
	t.Parallel()
	for says, text := range map[string]string{
		"day.yaml:4: steps[0].rotate.overlp: there is no such member; there are provider, key, overlap; did you mean overlap?": strings.Replace(dayFile, "overlap", "overlp", 1),
		"day.yaml:4: steps[0].rotate.provider:": strings.Replace(dayFile, "imkit", "imkitt", 1),
		"day.yaml:3: steps[0].at:":              strings.Replace(dayFile, "10m", "soon", 1),
	} {
		file := filepath.Join(t.TempDir(), "day.yaml")
		writeFile(t, file, text)
		for _, args := range [][]string{{"mock", "--scenario", file}, {"run", "--scenario", file, "--", "echo", "started"}} {
			got := runKeyfit(t, nil, args...)
			if got.code != 2 || got.out != "" || !strings.Contains(got.err, says) || strings.Count(got.err, "\n") != 1 {
				t.Errorf("%s: %+v", says, got)
			}
		}
	}
}

// TestAReloadWithAMistakeInTheScenarioChangesNothing reads the file again while it is played.
func TestAReloadWithAMistakeInTheScenarioChangesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, config := filepath.Join(dir, "day.yaml"), filepath.Join(dir, "config.json")
	writeFile(t, file, dayFile)
	writeFile(t, config, `{"scenario": "`+file+`"}`)
	env := mockFor(t, "--log", "off", "--freeze", "2027-01-31", "--providers", "imkit", "--config", config)
	started := func() (st mockserver.ScenarioStatus) {
		t.Helper()
		if err := json.Unmarshal([]byte(runKeyfit(t, env, "scenario", "status", "--json").out), &st); err != nil {
			t.Fatal(err)
		}
		return st
	}
	reload := func() int {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, env["KEYFIT_ADMIN_URL"]+"/v1/reload", http.NoBody)
		r.Header.Set("Authorization", "Bearer "+env["KEYFIT_ADMIN_TOKEN"])
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	runKeyfit(t, env, "clock", "advance", "1m")
	for _, tt := range []struct {
		text    string
		ok      bool
		minutes int // after the start of the mock
		name    string
	}{
		{dayFile, true, 0, "my-day"},
		{strings.Replace(dayFile, "overlap", "overlp", 1), false, 0, "my-day"},
		{strings.Replace(dayFile, "20m", "2027-01-30", 1), false, 0, "my-day"},
		{strings.Replace(dayFile, "my-day", "another", 1), true, 1, "another"},
	} {
		writeFile(t, file, tt.text)
		code := reload()
		st := started()
		if got := int(st.Started.Sub(time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)).Minutes()); (code == 200) != tt.ok || got != tt.minutes || st.Name != tt.name || st.State != mockserver.ScenarioPlays {
			t.Errorf("%s: reload %d, started after %d minutes: %+v", tt.text, code, got, st)
		}
	}
}

func TestRunPlaysAScenarioAtASpeed(t *testing.T) {
	t.Parallel()
	got := runKeyfit(t, nil, "run", "--scenario", "storm", "--speed", "2", "--providers", "imkit", "--", "echo", "over")
	if got.code != 0 || got.out != "over\n" || !strings.Contains(got.err, "before the scenario storm") {
		t.Errorf("%+v", got)
	}
	if got := runKeyfit(t, nil, "run", "--speed", "2", "--freeze", "2027-01-31", "--", "echo", "over"); got.code != 2 {
		t.Errorf("%+v", got)
	}
}

// A file that is there may have a real key: it is neither replaced nor removed, and no other file
// is left beside it.
func TestKeyFilesTakeNoFileThatIsThere(t *testing.T) {
	t.Parallel()
	for name, put := range map[string]func(path string) error{
		"a file": func(path string) error { return os.WriteFile(path, []byte("real"), 0o600) },
		"a link": func(path string) error {
			target := filepath.Join(filepath.Dir(path), "elsewhere")
			return errors.Join(os.WriteFile(target, []byte("real"), 0o600), os.Symlink(target, path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "IMKIT_API_KEY")
			if err := put(path); err != nil {
				t.Fatal(err)
			}
			got := runKeyfit(t, nil, "run", "--providers", "imin,imkit", "--key-files", dir, "--", "true")
			if got.code != 1 || !strings.Contains(got.err, "is there already") {
				t.Errorf("%+v", got)
			}
			if data, err := os.ReadFile(path); err != nil || string(data) != "real" {
				t.Errorf("the file has %q, %v", data, err)
			}
			if _, err := os.Stat(filepath.Join(dir, "IMIN_API_KEY")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a key of the mock is left: %v", err)
			}
		})
	}
}
