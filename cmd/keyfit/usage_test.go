package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/flagvalue"
)

// commands are all commands that do something, with arguments that they accept.
func commands(t *testing.T) map[string][]string {
	t.Helper()
	arguments := map[string]string{
		"keys issue": "imkit", "keys show": "key_000001", "keys rotate": "key_000001", "keys revoke": "key_000001", "keys suspend": "key_000001", "keys enable": "key_000001", "snapshot delete": "a", "keys expire": "key_000001",
		"clock advance": "1s", "fault add": "stall", "requests show": "1", "requests wait": "--timeout 1ms", "namespace create": "a", "namespace delete": "a",
		"oauth issue": "c", "data get": "imkit users", "data put": "imkit users -", "state import": "-", "openapi": "imkit",
		"call": "mindkey GET /ping", "rotate": "imkit", "fingerprint": "-", "watch": "http://127.0.0.1:1 --once", "explain": "/ping", "run": "true", "scenario show": "storm", "scenario play": "storm", "drift": "imkit", "client": "node",
	}
	all := make(map[string][]string)
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		path := strings.TrimPrefix(c.CommandPath(), "keyfit ")
		if c.Runnable() && !c.HasSubCommands() && !strings.HasPrefix(path, "completion") && c.Name() != "help" {
			all[path] = strings.Fields(arguments[path])
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(tree())
	return all
}

// tree is the commands without a terminal.
func tree() *cobra.Command {
	a := &app{Terminal: cli.Terminal{Env: func(string) (string, bool) { return "", false }}}
	return a.root()
}

// free are the flags whose values are any text, checked by nobody, or only together with
// others.
func free() []string {
	return []string{
		"admin-token-file", "namespace", "key", "name", "contact", "scope", "attributes", "client-key", "raw", "reason", "body", "location",
		"user", "dotenv", "data", "header", "param", "base-url", "file", "key-file", "probe", "backup", "watch", "redirect-uri",
		"admin-host", "api", "ca-file", "config", "state", "ready-file", "keep-env", "key-files", "write", "rollback", "vendor",
	}
}

// wrongValues returns values that a flag must refuse, by its kind.
func wrongValues(f *pflag.Flag) []string {
	names := flagvalue.Names(f)
	switch kind := f.Value.Type(); {
	case names != nil:
		first := names[0]
		return []string{"", " ", "x", "ä", first + "x", first[1:], "-1", "0", strings.Repeat("lorem", 100)}
	case kind == "bool":
		return []string{"maybe", "2", "ja", "ä", "-"}
	case kind == "int":
		return []string{"", "x", "1.5", "1e3", "0x10", "-1000000000000000000000", "99999999999999999999", "-1", "3 ", "٣", "1_000"}
	case kind == "uint64":
		return []string{"", "x", "-1", "1.5", "18446744073709551616"}
	case kind == "float":
		return []string{"", "x", "-0.1", "1.1", "NaN", "Inf", "50%", "0,5"}
	case kind == "duration":
		return []string{"", "x", "24", "5", "-5m", "1 year", "1y", "soon", "99999999999h", "1h-2m", "s", "٣s"}
	case kind == "time":
		return []string{"", "now", "noon", "2027", "2027-02-30", "31.01.2027", "2027-01-31T00:00:00", "2027-01-31 09:00", "1801396800", "9999-01-01", "0001-01-01"}
	case kind == "limit":
		return []string{"", "3", "3/", "/1m", "3/never", "-3/1m", "3/1m:rolling", "3/0s", "0/1m", "three/1m"}
	}
	if f.Value.Type() == "pair" {
		return map[string][]string{
			"query":  {"", "limit", "=50", "="},
			"header": {"", "Retry-After: 5", "a=b", "a b", "a,b"},
			"field":  {"", "name", "=Ann"},
		}[f.Name]
	}
	return map[string][]string{
		"method":     {"", " ", "GE T", "G3T", "GET,POST", "/x"},
		"path":       {"", "rooms", "/rooms?limit=1", "http://127.0.0.1/x", "/a#b", "**"},
		"admin-url":  {"x", "127.0.0.1:4100", "http://", "http://192.0.2.1:1", "http://u:p@127.0.0.1:1", "ftp://127.0.0.1"},
		"addr":       {"", "x", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:-1", "127.0.0.1:65536", "0.0.0.0:0", ":0", "example.com:0"},
		"admin":      {"", "x", "127.0.0.1", "127.0.0.1:99999", "192.0.2.1:0"},
		"providers":  {"acme", "imkit,acme", "imkitt", `"imkit`},
		"scenario":   {"strom", "x", "rotation", "there-is-no.yaml"},
		"seed":       {"x", "-1", "1.5", "18446744073709551616"},
		"freeze":     {"x", "now", "2027-02-30", "2027-01-31T00:00:00"},
		"journal":    {"", "x", "-1,5", "5,-1", "5,5TB", "5,5,5"},
		"channels":   {"x", "504,x", "-1", "1.5"},
		"keep":       {"key", "keys,dat", "x"},
		"public-url": {"x", "mock.example", "ftp://mock.example", "http://?", "http://mock.example:80", "http://a/b", "http://u:p@a"},
		"cors":       {"", "x", "localhost:3000", "http://", "http://a/b", "http://A", "HTTP://a", "http://u:p@a"},
		"between":    {"", "x", "1", "1:", ":3", "3:1", "-1:3", "1:3:5", "1..3"},
		"in-order":   {"", "x", "rooms", "GET", "GET rooms", "GET /a?b"},
		"old":        {"x", "0123456789", "0123 5678 9ab", "fingerprint!"},
		"new":        {"x", "1f0a9c3b5d7", "-"},
		"expires":    {"soon", "2020-01-01", "2027-02-30"},
	}[f.Name]
}

// Every flag of every command, with wrong values of its kind: exit code 2, one line that says
// where, what was given and what is allowed, in words of the command line; with --json the
// same as one object.
func TestEveryFlagRefusesWhatItCannotTake(t *testing.T) {
	t.Parallel()
	env := mockFor(t)
	tried, known := 0, make(map[string]bool)
	for path, arguments := range commands(t) {
		command, _, err := tree().Find(strings.Fields(path))
		if err != nil {
			t.Fatal(err)
		}
		command.InitDefaultHelpFlag()
		_ = command.ParseFlags(nil) // merges the flags of its parents
		command.Flags().VisitAll(func(f *pflag.Flag) {
			values := wrongValues(f)
			if slices.Contains([]string{"rotate", "data put", "state import"}, path) && f.Name == "admin-url" {
				return // looked at after what the standard input holds
			}
			if (values == nil) != (slices.Contains(free(), f.Name) && f.Value.Type() != "pair") {
				t.Errorf("keyfit %s --%s (%s): wrong values %v; is it free?", path, f.Name, f.Value.Type(), values)
			}
			if f.Name == "help" {
				return
			}
			if known[f.Name+f.Value.Type()] && os.Getenv("KEYFIT_LONG") == "" && len(values) > 0 {
				values = values[1:2] // all of them where the flag was first met
			}
			first := !known[f.Name+f.Value.Type()]
			known[f.Name+f.Value.Type()] = true
			for i, value := range values {
				if value == "" && !strings.Contains("int duration time", f.Value.Type()) && flagvalue.Names(f) == nil {
					continue // where empty text is as good as no flag
				}
				args := slices.Concat(strings.Fields(path), []string{"--" + f.Name + "=" + value}, arguments)
				tried++
				refuses(t, env, f.Name, value, args, i == 0 && first)
			}
		})
	}
	if tried < 300 {
		t.Errorf("%d values", tried)
	}
}

func refuses(t *testing.T, env map[string]string, flag, value string, args []string, alsoJSON bool) {
	t.Helper()
	got := runKeyfit(t, env, args...)
	shown := []string{"--" + flag}
	password := strings.Contains(value, "u:p@")
	if password && strings.Contains(got.err, "u:p@") {
		t.Errorf("%v: the error repeats a password: %s", args, got.err)
	}
	switch {
	case flag == "admin-url": // may hold a secret
		shown = []string{"admin URL"}
	case password, flag == "expires": // as does this, which may be a key
	default:
		if slices.Contains([]string{"providers", "channels", "keep", "cors"}, flag) {
			value = value[strings.LastIndex(value, ",")+1:] // the wrong one of a list
		}
		if value = fmt.Sprintf("%q", value); len(value) > 80 {
			value = value[:80]
		}
		shown = append(shown, value)
	}
	if flag == "json" { // "maybe" is for JSON already
		shown = nil
		got.err = "keyfit: --help" + got.err
	}
	oneLine(t, strings.Join(args, " "), got, 2, append(shown, "--help")...)
	for _, raw := range []string{"strconv", "parsing", "time: ", "invalid syntax", "invalid argument", "json:", "parse error"} {
		if strings.Contains(got.err, raw) {
			t.Errorf("%v: %q is of a Go package: %s", args, raw, got.err)
		}
	}
	if !alsoJSON {
		return
	}
	got = runKeyfit(t, env, append([]string{"--json"}, args...)...)
	var e struct {
		Error, Kind, Help string
		ExitCode          int
	}
	if err := json.Unmarshal([]byte(got.err), &e); err != nil || got.code != 2 || got.out != "" ||
		e.Kind != "usage" || e.ExitCode != 2 || e.Error == "" || !strings.HasSuffix(e.Help, " --help") {
		t.Errorf("--json %v: %v: %+v", args, err, got)
	}
}

// The nearest name of commands, flags, settings and values.
func TestWhatIsMisspeltIsNamed(t *testing.T) {
	t.Parallel()
	env := mockFor(t)
	for line, want := range map[string]string{
		"requests count --outcome rate_limted":     `"rate_limted" is not one of ok, missing_key, unknown_key`,
		"requests count --outcome ratelimited":     `did you mean "rate_limited"?`,
		"requests count --outcme ok":               `did you mean "--outcome"?`,
		"requests cuont":                           `did you mean "count"?`,
		"requsts count":                            `did you mean "requests"?`,
		"namespaces list":                          `did you mean "namespace"?`,
		"keys issue imkitt":                        `did you mean "imkit"?`,
		"keys issue mind":                          `did you mean "mindkey"?`,
		"keys issue optimove --access integration": `did you mean "Integrations"?`,
		"keys issue imkit --expires_in 5m":         `did you mean "--expires-in"?`,
		"keys issue imkit --expires-in -5m":        `--expires-in "-5m" is not a duration of more than 0s`,
		"keys list --status reovked":               `did you mean "revoked"?`,
		"keys list --provider=optimov":             `did you mean "optimove"?`,
		"keys rotate key_000001 --overlap 24":      `--overlap "24" is not a duration with its unit, such as 500ms, 90s, 24h or 7d`,
		"keys issue optimove --channels 504,x":     `--channels "x" is not a whole number`,
		"keys issue mindkey --client-key user001":  `--client-key is for imkit, not for mindkey`,
		"fault add latncy --delay 1s":              `did you mean "latency"?`,
		"fault add latency":                        `delay`,
		"fault add status":                         `status`,
		"clock advance -1h":                        `"-1h" is not a flag, and no value here is negative`,
		"clock advance -- -1h":                     `DURATION "-1h" is not a duration of more than 0s`,
		"clock advance 5":                          `DURATION "5" is not a duration`,
		"clock freeze yesterday":                   `TIME "yesterday" is not a time with its zone`,
		"clock run fast":                           `SCALE "fast" is not a number`,
		"mock --grace 5":                           `--grace "5" is not a duration with its unit`,
		"mock --log jsno":                          `did you mean "json"?`,
		"mock --providers imkitt":                  `did you mean "imkit"?`,
		"mock --no-ratelimit":                      `did you mean "--no-rate-limit"?`,
		"run --no-key -- true":                     `did you mean "--no-keys"?`,
		"check imkit-usr":                          `did you mean "imkit-user"?`,
		"call mindky GET /ping":                    `did you mean "mindkey"?`,
		"openapi admn":                             `did you mean "admin"?`,
		"oauth expire berer":                       `did you mean "bearer"?`,
		"data list imkti":                          `did you mean "imkit"?`,
		"requests wait --timeout 6m":               `--timeout "6m" is not a duration of at most 5m`,
		"requests wait --count 0":                  `--count "0" is not a whole number of at least 1`,
		"keys list --provider":                     `--provider needs a value: one of imin, mindkey`,
		"keys list -x":                             `"-x" is not a flag of keyfit keys list`,
		"keys list -json":                          `did you mean "--json"?`,
		"keys list --=x":                           `"--=x" is not a flag`,
		"keys show EMPTY":                          `ID is empty`,
		"keys issue EMPTY":                         `PROVIDER is empty`,
		"namespace delete EMPTY":                   `NAME is empty`,
		"explain imkit GETT /rooms":                `a method such as GET is given with -X`,
		"snapshot delete EMPTY":                    `NAME is empty`,
		"fault clear EMPTY":                        `ID is empty`,
		"fault clear fault_1 EMPTY":                `ID is empty`,
		"clock advance EMPTY":                      `DURATION is empty`,
		"run -- EMPTY":                             `the command is missing`,
		"EMPTY":                                    `"" is not a command of keyfit, which are call`,
		"help nonsense":                            `nonsense`,
		"completion tcsh":                          `tcsh`,
	} {
		args := strings.Fields(line)
		for i, arg := range args {
			args[i] = strings.Replace(arg, "EMPTY", "", 1)
		}
		oneLine(t, line, runKeyfit(t, env, args...), 2, want)
	}
}

func TestAWrongVariableOrSettingIsNamedAsOne(t *testing.T) {
	t.Parallel()
	config := func(content string) string {
		path := t.TempDir() + "/mock.json"
		writeFile(t, path, content)
		return path
	}
	for name, tt := range map[string]struct {
		env  map[string]string
		args []string
		want string
	}{
		"a variable":           {map[string]string{"KEYFIT_NO_RATE_LIMIT": "maybe"}, []string{"run", "--", "true"}, `KEYFIT_NO_RATE_LIMIT "maybe" is not true or false`},
		"a variable of a name": {map[string]string{"KEYFIT_LOG": "jsn"}, []string{"mock"}, `KEYFIT_LOG "jsn" is not one of text, json, off; did you mean "json"?`},
		"an unknown setting":   {nil, []string{"mock", "--config", config(`{"limts": {}}`)}, `"limts" is not a setting`},
		"one that is near":     {nil, []string{"mock", "--config", config(`{"no_rate_limit": true}`)}, `did you mean "no-rate-limit"?`},
		"a value":              {nil, []string{"mock", "--config", config(`{"grace": 5}`)}, `grace "5" is not a duration with its unit`},
		"a provider":           {nil, []string{"mock", "--config", config(`{"limits": {"imkitt": {"requests": 1, "per": "1m"}}}`)}, `did you mean "imkit"?`},
		"a profile":            {nil, []string{"mock", "--config", config(`{"profiles": {"x": {}}}`)}, `profiles: the provider "x" is not one of imin`},
		"a fault":              {nil, []string{"mock", "--config", config(`{"faults": [{"fault": {"kind": "fire"}}]}`)}, `unknown kind "fire"`},
		"no JSON":              {nil, []string{"mock", "--config", config("{\n  grace: 5s\n}")}, `line 2, column 3`},
		"an array":             {nil, []string{"mock", "--config", config(`[]`)}, `an array, but must be an object`},
		"another kind":         {nil, []string{"mock", "--config", config(`{"limits": {"imkit": {"requests": "many"}}}`)}, `requests has the wrong type`},
		"half":                 {nil, []string{"mock", "--config", config(`{"grace": `)}, `cut short`},
		"nothing":              {nil, []string{"mock", "--config", config("")}, `empty`},
		"UTF-16":               {nil, []string{"mock", "--config", config("\xff\xfe{\x00}\x00")}, `UTF-16`},
	} {
		code := 2
		if name == "UTF-16" {
			code = 1 // the file cannot be read
		}
		oneLine(t, name, runKeyfit(t, tt.env, tt.args...), code, tt.want)
	}
}
