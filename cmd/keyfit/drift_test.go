package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyfit/keyfit/mockserver"
)

// The profile that drift writes makes a mock answer as the API did, and the key is in no output.
func TestDriftWritesAProfileThatTheMockLoads(t *testing.T) {
	t.Parallel()
	answer := mockserver.Answer{Status: 418, Body: `{"lorem":"fitsum"}`, ContentType: "application/json"}
	srv := mockserver.New(t, mockserver.WithProfile(mockserver.Optimove, mockserver.Profile{
		Answers: map[mockserver.Outcome]mockserver.Answer{mockserver.MissingKey: answer},
	}))
	key := srv.Keys().Issue(mockserver.Optimove)
	file := filepath.Join(t.TempDir(), "optimove.json")
	drift := func(args ...string) (out string, code int) {
		cmd := program(append([]string{"drift", "optimove"}, args...)...)
		cmd.Dir = t.TempDir() // no .env
		cmd.Env = append(cmd.Env, "OPTIMOVE_API_KEY="+key.Secret.Reveal(), "OPTIMOVE_BASE_URL="+srv.BaseURL(mockserver.Optimove))
		said, _ := cmd.CombinedOutput() // the exit code is looked at
		if strings.Contains(string(said), key.Secret.Reveal()) {
			t.Errorf("the key is printed: %s", said)
		}
		return string(said), cmd.ProcessState.ExitCode()
	}

	out, code := drift("--write", file)
	if code != 1 || strings.Count(out, "differs; the profile plays it") != 2 || !strings.Contains(out, "no key ") {
		t.Errorf("code %d, want 1 and two rows that differ:\n%s", code, out)
	}
	written, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(written), key.Secret.Reveal()) {
		t.Fatalf("%v: %s", err, written)
	}
	if out, code := drift("--write", file); code != 1 || !strings.Contains(out, "exists") {
		t.Errorf("a file is overwritten: code %d: %s", code, out)
	}
	var config struct {
		Profiles map[mockserver.Provider]mockserver.Profile `json:"profiles"`
	}
	if err := json.Unmarshal(written, &config); err != nil {
		t.Fatal(err)
	}
	if got := config.Profiles[mockserver.Optimove].Answers[mockserver.MissingKey]; got != answer {
		t.Errorf("written %+v, want %+v", got, answer)
	}
	if out, err := program("run", "--config", file, "--", "true").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}

	for _, args := range [][]string{{"drift"}, {"drift", "optimov"}, {"drift", "iiniit"}, {"drift", "imkit", "--probe", "https://evil.example/"}} {
		cmd := program(args...)
		cmd.Dir = t.TempDir()
		if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 2 {
			t.Errorf("%v: code %d, want 2: %s", args, cmd.ProcessState.ExitCode(), out)
		}
	}
}
