package ops_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/keyfit/keyfit/mockserver"
)

type workflow struct {
	Jobs map[string]struct {
		Steps []struct {
			Name, Run string
			Env       map[string]string
		}
	}
}

// The last step of the workflow fails on the days when it should. (.ci/run has actionlint read it.)
func TestTheScheduledCheckFailsInTime(t *testing.T) {
	t.Parallel()
	file := filepath.FromSlash("github-actions/key-check.yml")
	var w workflow
	if err := yaml.Unmarshal(readRecipe(t, file), &w); err != nil {
		t.Fatal(err)
	}
	steps := w.Jobs["check"].Steps
	step := steps[len(steps)-1]
	keyfit := programs("keyfit")
	mock, key := mockOf(t)
	revoked := mock.Keys().Issue(mockserver.IMKIT)
	if err := mock.Keys().Revoke(revoked.ID, ""); err != nil {
		t.Fatal(err)
	}
	in := func(days int) string { return time.Now().AddDate(0, 0, days).Format(time.DateOnly) }
	for name, test := range map[string]struct {
		key, expires string
		fails        bool
	}{
		"no date":     {key.Secret.Reveal(), "", false},
		"in 100 days": {key.Secret.Reveal(), in(100), false},
		"in 10 days":  {key.Secret.Reveal(), in(10), true},
		"yesterday":   {key.Secret.Reveal(), in(-1), true},
		"revoked":     {revoked.Secret.Reveal(), in(100), true},
		"no secret":   {"", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), "bash", "-e", "-o", "pipefail", "-c", step.Run)
			cmd.Dir = t.TempDir()
			cmd.Env = []string{"PATH=" + filepath.Dir(keyfit) + string(os.PathListSeparator) + os.Getenv("PATH")}
			for name, value := range step.Env {
				switch {
				case strings.Contains(value, "secrets."):
					value = test.key
				case strings.Contains(value, "vars."):
					value = test.expires
				case strings.HasSuffix(name, "_BASE_URL"):
					value = mock.BaseURL("imkit")
				}
				cmd.Env = append(cmd.Env, name+"="+value)
			}
			out, err := cmd.CombinedOutput()
			if (err != nil) != test.fails {
				t.Errorf("the step ends with %v:\n%s", err, out)
			}
			if test.key != "" && strings.Contains(string(out), test.key[4:14]) {
				t.Error("the log of the job tells the key")
			}
		})
	}
}
