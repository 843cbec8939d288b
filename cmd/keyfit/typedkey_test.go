package main

import (
	"strings"
	"testing"
)

// A key that was typed where an ID, a name or a number is wanted, or that begins with a dash and
// is read as a flag, is in no error: errors go to the logs of CI.
func TestNoErrorRepeatsAKeyThatWasTyped(t *testing.T) {
	t.Parallel()
	env := mockFor(t, "--log", "off", "--seed", "16") // one key in some thousands has too few digits to look like one
	keys := []string{
		env["IMIN_API_KEY"], env["MINDKEY_API_KEY"], env["IMKIT_API_KEY"], env["IMKIT_CLIENT_KEY"], env["OPTIMOVE_API_KEY"], env["IINIIT_API_KEY"],
		"sk_live_9fQ2xLr7TnB4vKd8WmZp", "-EhRq6dCxz_8gkZ21xvN0aWdPpLrT7", "AKIA4Q2XW7B3N8LZ5C6D", "3f2b8c1e-9d47-4a6b-8e15-7c2f90ab34de",
	}
	lines := []string{
		"keys show X", "keys revoke X", "keys rotate X", "keys expire X", "keys suspend X", "keys enable X", "keys revoke key_000001 X", "keys X",
		"keys issue X", "keys list --provider X", "keys list --provider=X", "fault remove X", "fault clear X",
		"snapshot restore X", "snapshot delete X", "requests show X", "requests export --id X", "requests export --format X", "requests verify --between X",
		"oauth clients X", "data get imkit X", "data get X", "explain X", "clock advance X", "clock freeze X", "call X GET /ping", "check X", "openapi X", "X",
	}
	for i, line := range lines {
		for _, key := range []string{keys[i%len(keys)], keys[(i+6)%len(keys)], keys[(i+7)%len(keys)]} {
			args := strings.Fields(line)
			for j := range args {
				args[j] = strings.ReplaceAll(args[j], "X", key)
			}
			if i%2 == 1 {
				args = append(args, "--json")
			}
			got := runKeyfit(t, env, args...)
			if all := got.out + got.err; got.code == 0 || strings.Contains(all, key[:min(len(key), 20)]) {
				t.Errorf("%s: %d %s", line, got.code, all)
			}
		}
	}
}
