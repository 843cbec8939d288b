package command_test

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/internal/command"
)

func limits() command.Limits {
	return command.Limits{Timeout: 10 * time.Second, Linger: time.Second, Output: 100}
}

// shell runs a script, which stands for a program.
func shell(t *testing.T, l command.Limits, script string, args ...string) ([]byte, error) {
	t.Helper()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no sh")
	}
	return command.Run(t.Context(), l, "sh", append([]string{"-c", script, "sh"}, args...)...)
}

func TestWhatAProgramPrintsIsReturned(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, script, want string }{
		{"text", `printf 'a\nb'`, "a\nb"},
		{"nothing", ":", ""},
		{"exactly the limit", `printf %0100d 0`, strings.Repeat("0", 100)},
		{"arguments are not expanded", `printf %s "$1"`, "$HOME *"},
		{"no input", `cat; printf end`, "end"},
		{"not the standard error", `echo noise >&2; printf a`, "a"},
		{"in spite of a child that keeps the output open", `sleep 20 & printf a`, "a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := shell(t, limits(), tt.script, "$HOME *")
			if diff := cmp.Diff(tt.want, string(got)); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestAProgramThatEndsBadlySaysHow(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]command.ExitError{
		"echo canary; exit 3":     {Status: 3, State: "exit status 3"},
		"echo canary >&2; exit 1": {Status: 1, State: "exit status 1", Notes: 7},
		"kill -9 $$":              {Status: -1, State: "signal: killed"},
	} {
		got, err := shell(t, limits(), script, "canary")
		ended, ok := errors.AsType[*command.ExitError](err)
		if !ok || got != nil {
			t.Errorf("%s: %q, %v", script, got, err)
			continue
		}
		if diff := cmp.Diff(want, *ended); diff != "" {
			t.Errorf("%s (-want +got):\n%s", script, diff)
		}
		if strings.Contains(err.Error(), "canary") || !strings.HasPrefix(err.Error(), "failed: "+want.State) {
			t.Errorf("%s: %v", script, err)
		}
	}
}

func TestAProgramIsEndedByItsLimits(t *testing.T) {
	t.Parallel()
	brief := limits()
	brief.Timeout = 30 * time.Millisecond
	for _, tt := range []struct {
		name, script string
		limits       command.Limits
		want         string
	}{
		{"time", "echo canary >&2; exec sleep 60", brief, "gave no answer within 30ms"},
		{"output", `while :; do echo canary; done`, limits(), "printed more than 100 bytes, so it is not what was meant"},
		{"one byte too much", `printf %0101d 0`, limits(), "printed more than 100 bytes, so it is not what was meant"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			got, err := shell(t, tt.limits, tt.script)
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") || got != nil {
				t.Errorf("%q, %v; want %q", got, err, tt.want)
			}
			if took := time.Since(began); took > 8*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func TestARunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("sleep"); err != nil {
		t.Skip("no sleep")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := command.Run(ctx, limits(), "sleep", "60"); err != context.DeadlineExceeded { //nolint:errorlint // the very same value
		t.Errorf("%v, want the error of the context", err)
	}
}

func TestAProgramThatIsNotThereIsNotNamed(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"": "no command is named", "canary-no-such-one": "could not be run: executable file not found"} {
		_, err := command.Run(t.Context(), limits(), name, "canary")
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v; want %q", name, err, want)
		}
	}
}
