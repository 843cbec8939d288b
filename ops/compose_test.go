package ops_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
)

// The recipe is read by Compose's own library. The program runs with its arguments and environment,
// and its health check runs against it.
func TestComposeRotatesWithoutARestart(t *testing.T) {
	t.Parallel()
	options, err := cli.NewProjectOptions([]string{filepath.FromSlash("compose/compose.yaml")}, cli.WithName("app"))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	service := project.Services["app"]
	mock, key := mockOf(t)
	dir, env := t.TempDir(), map[string]string{}
	for name, value := range service.Environment {
		if strings.HasSuffix(name, "_API_KEY") {
			t.Errorf("%s: a key in the environment never changes", name)
		}
		env[name] = *value
	}
	mount := service.Volumes[0]
	file := within(t, env["IMKIT_API_KEY_FILE"], mount.Target, dir)
	if mount.Type != "bind" || !mount.ReadOnly || mount.Target == env["IMKIT_API_KEY_FILE"] {
		t.Errorf("the mount is %+v: a file by itself never changes", mount)
	}
	write(t, file, key.Secret.Reveal(), 0o440)
	env["IMKIT_API_KEY_FILE"], env["IMKIT_BASE_URL"] = file, mock.BaseURL("imkit")
	a := start(t, env, replaced(service.Command))
	check := service.HealthCheck.Test
	healthy := func() bool {
		question := strings.Replace(check[len(check)-1], "http://127.0.0.1:8080", a.base, 1)
		args := append(append([]string{}, check[2:len(check)-1]...), question)
		return exec.CommandContext(t.Context(), a.cmd.Path, args...).Run() == nil
	}
	a.uses(t, key)
	if check[0] != "CMD" || check[1] != "/app" || !healthy() {
		t.Errorf("the health check %v fails", check)
	}
	a.rotates(t, mock, key, "/livez", "/readyz", func(next string) { write(t, file, next, 0o440) })
	if healthy() {
		t.Error("the health check passes though no key works")
	}
	prometheus := string(readRecipe(t, "compose/prometheus.yml"))
	if !strings.Contains(prometheus, `["app:8080"]`) || project.Services["prometheus"].Volumes[1].Target != "/etc/prometheus/keyfit.rules.yml" {
		t.Error("Prometheus scrapes another address, or has no alarms")
	}
}
