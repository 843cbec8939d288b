package ops_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// setting returns the values of a setting of a unit.
func setting(unit, name string) []string {
	var all []string
	for _, m := range regexp.MustCompile(`(?m)^`+name+`=(.*)$`).FindAllStringSubmatch(unit, -1) {
		all = append(all, m[1])
	}
	return all
}

// systemd's own tool finds no mistake in the units, and nothing that a program should not be able to do.
func TestSystemdUnitsAreValid(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	dir := t.TempDir()
	var files []string
	for _, name := range []string{"app.service", "app-key.service", "app-key.path"} {
		unit := strings.Replace(string(readRecipe(t, "systemd/"+name)), "/usr/local/bin/app", "/bin/true", 1)
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(unit), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	for _, args := range [][]string{append([]string{"verify", "--man=no"}, files...), {"security", "--offline=true", "--threshold=20", files[0]}} {
		out, err := exec.CommandContext(t.Context(), analyze, args...).CombinedOutput()
		if err != nil || args[0] == "verify" && strings.Contains(string(out), dir) {
			t.Errorf("systemd-analyze %s: %v\n%s", args[0], err, out)
		}
	}
}

// The program runs as systemd would start it: with the key in the directory of credentials, and again
// when app-key.path has seen another one.
func TestSystemdHandsOverTheKey(t *testing.T) {
	t.Parallel()
	unit := string(readRecipe(t, "systemd/app.service"))
	mock, key := mockOf(t)
	credentials, env := t.TempDir(), map[string]string{}
	name, from, _ := strings.Cut(setting(unit, "LoadCredential")[0], ":")
	for _, e := range setting(unit, "Environment") {
		k, v, _ := strings.Cut(e, "=")
		env[k] = strings.ReplaceAll(v, "%d", credentials) // systemd.unit(5): the directory of credentials
	}
	if path := string(readRecipe(t, "systemd/app-key.path")); setting(path, "PathChanged")[0] != from {
		t.Errorf("app-key.path watches another file than %s", from)
	}
	if again := string(readRecipe(t, "systemd/app-key.service")); setting(again, "ExecStart")[0] != "systemctl try-restart app.service" {
		t.Error("app-key.service does not restart the program")
	}
	env["IMKIT_BASE_URL"] = mock.BaseURL("imkit")
	command := strings.Fields(setting(unit, "ExecStart")[0])
	for range 2 {
		write(t, filepath.Join(credentials, name), key.Secret.Reveal()+"\n", 0o400)
		a := start(t, env, replaced(command[1:]))
		a.uses(t, key)
		if text := a.lines(); strings.Contains(text, "call failed") || strings.Contains(text, "key.exposed") {
			t.Errorf("the log is\n%s", text)
		}
		if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil { // systemctl restart
			t.Fatal(err)
		}
		if err := a.cmd.Wait(); err != nil {
			t.Errorf("the program ends with %v", err)
		}
		key = mock.Keys().Issue("imkit")
	}
}
