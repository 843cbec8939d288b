package ops_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/hashicorp/hcl"
)

// agentConfig is what the recipe says of its one template.
type agentConfig struct {
	destination, contents, perms string
	strict                       bool // error_on_missing_key
}

// readAgentConfig reads the recipe with the library that Vault reads it with.
func readAgentConfig(t *testing.T) agentConfig {
	t.Helper()
	var all map[string]any
	if err := hcl.Decode(&all, string(readRecipe(t, "vault-agent/agent.hcl"))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"vault", "auto_auth", "template_config"} {
		if _, ok := all[name].([]map[string]any); !ok {
			t.Errorf("the configuration has no block %s", name)
		}
	}
	blocks, _ := all["template"].([]map[string]any)
	if len(blocks) != 1 {
		t.Fatalf("the configuration has %d templates", len(blocks))
	}
	var c agentConfig
	c.destination, _ = blocks[0]["destination"].(string)
	c.contents, _ = blocks[0]["contents"].(string)
	c.perms, _ = blocks[0]["perms"].(string)
	c.strict, _ = blocks[0]["error_on_missing_key"].(bool)
	return c
}

// secret is what Vault answers for a version of kv/imkit, in the form that templates see.
func secret(version int, data map[string]any) func(string) (map[string]any, error) {
	return func(string) (map[string]any, error) {
		return map[string]any{"Data": map[string]any{"data": data, "metadata": map[string]any{"version": version}}}, nil
	}
}

func (c *agentConfig) render(t *testing.T, read func(string) (map[string]any, error)) string {
	t.Helper()
	tmpl := template.New("key").Funcs(template.FuncMap{
		"secret": func(path string) any {
			if path != "kv/data/imkit" {
				t.Errorf("the template reads %s", path)
			}
			v, err := read(path)
			if err != nil {
				t.Error(err)
			}
			return v
		},
		"toJSON": func(v any) (string, error) { text, err := json.Marshal(v); return string(text), err },
	})
	if c.strict {
		tmpl = tmpl.Option("missingkey=error")
	}
	parsed, err := tmpl.Parse(c.contents)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := parsed.Execute(&out, nil); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// What the template of the recipe writes is a key file with the end of the key, and the program takes the next one without a restart.
func TestVaultAgentWritesAKeyFileThatRotates(t *testing.T) {
	t.Parallel()
	c := readAgentConfig(t)
	if c.perms != "0440" || !c.strict {
		t.Errorf("others may read the file, or a secret without a key makes one: %+v", c)
	}
	mock, key := mockOf(t)
	file := filepath.Join(t.TempDir(), filepath.Base(c.destination))
	ends := time.Now().AddDate(0, 0, 100).UTC().Truncate(time.Second)
	write(t, file, c.render(t, secret(1, map[string]any{"key": key.Secret.Reveal(), "not_after": ends.Format(time.RFC3339)})), 0o440)
	a := start(t, map[string]string{"IMKIT_API_KEY_FILE": file, "IMKIT_BASE_URL": mock.BaseURL("imkit")}, []string{"-listen", "127.0.0.1:0", "-poll", "30ms"})
	a.uses(t, key)
	if now := a.status(t).Current; !now.Expires.Equal(ends) || now.Version != "1" {
		t.Errorf("the key is %+v, want version 1 that ends on %s", now, ends)
	}
	a.rotates(t, mock, key, "/livez", "/readyz", func(next string) { // nobody knows its end
		write(t, file, c.render(t, secret(2, map[string]any{"key": next})), 0o440)
	})
}
