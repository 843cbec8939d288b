package keyfit_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
)

func TestAKeyringSaysWhereTheSourceFoundTheKey(t *testing.T) {
	dir := t.TempDir()
	file, dotenv := filepath.Join(dir, "key"), filepath.Join(dir, ".env")
	for path, content := range map[string]string{
		file:   "place-key-in-a-file\n",
		dotenv: "PLACE_DOTENV=place-key-in-dotenv\nPLACE_ID=place-id\nPLACE_KEY=place-key\nPLACE_VIA_FILE=" + file + "\n",
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PLACE_ENV", "place-key-in-the-environment")
	t.Setenv("PLACE_ENV_ID", "place-id")
	of := func(s keyfit.Source) string {
		ring, err := keyfit.NewKeyring(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		return ring.Status().Current.Place
	}
	custom := func(place string) keyfit.Source {
		return keyfit.SourceFunc(func(context.Context) (keyfit.Credential, error) {
			cred := keyfit.APIKey("place-key-of-a-store")
			cred.Place = place
			return cred, nil
		})
	}
	for _, test := range []struct {
		name   string
		source keyfit.Source
		want   string
	}{
		{"environment", keyfit.Env("PLACE_NONE", "PLACE_ENV"), "environment variable PLACE_ENV"},
		{"pair in the environment", keyfit.EnvPair("PLACE_ENV_ID", "PLACE_ENV"), "environment variable PLACE_ENV_ID and PLACE_ENV"},
		{".env", keyfit.DotEnv(dotenv, "PLACE_DOTENV"), "PLACE_DOTENV in " + dotenv},
		{"pair in .env", keyfit.DotEnvPair(dotenv, "PLACE_ID", "PLACE_KEY"), "PLACE_ID and PLACE_KEY in " + dotenv},
		{"file", keyfit.File(file), "file " + file},
		{"file that .env names", keyfit.DotEnv(dotenv, "PLACE_VIA"), "file " + file + ", named by PLACE_VIA_FILE in " + dotenv},
		{"second in a chain", keyfit.Chain(keyfit.Env("PLACE_NONE"), keyfit.File(file)), "file " + file},
		{"program", keyfit.Static(keyfit.APIKey("place-key-in-the-program")), "the key given in the program"},
		{"a source of the caller's", custom("vault secret/lorem"), "vault secret/lorem"},
		{"a source that says nothing", custom(""), ""},
		{"a source that tells the key", custom("store?key=place-key-of-a-store"), "store?key=[redacted]"},
	} {
		if d := cmp.Diff(test.want, of(test.source)); d != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, d)
		}
	}
}

func TestAPlaceIsNoPartOfTheKey(t *testing.T) {
	t.Parallel()
	here, there := keyfit.APIKey("place-lorem-fitsum"), keyfit.APIKey("place-lorem-fitsum")
	here.Place = "here"
	if d := cmp.Diff(there.Fingerprint(), here.Fingerprint()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestCanaryRedactTakesOutEveryFormOfEveryKey: what a command line shows of a raw answer.
func TestCanaryRedactTakesOutEveryFormOfEveryKey(t *testing.T) {
	t.Parallel()
	old, next := keyfit.KeyPair("redact-Ipsum+id/1", `redact-"Lorem"&<fitsum>=1`), keyfit.KeyPair("redact-Ipsum+id/2", "redact-dolor%sit\\amet")
	ring, err := keyfit.NewKeyring(t.Context(), keyfit.Static(old))
	if err != nil {
		t.Fatal(err)
	}
	if err := ring.Rotate(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	var echo string
	for _, cred := range []keyfit.Credential{old, next} {
		for _, half := range []string{cred.ID.Reveal(), cred.Key.Reveal()} {
			for _, name := range []string{"raw", "percent-encoded query", "percent-encoded path", "JSON", "quoted", "HTML", "HTML in JSON", "JSON, every byte"} {
				echo += "<" + canaryEncodings()[name](half) + ">\n"
			}
		}
	}
	newCanary(old, next).absent(t, "redacted text", ring.Redact(echo), keyfit.Redact(echo, old.ID, old.Key, next.ID, next.Key))
	const harmless = "Lorem Fitsum dolor sit amet: redact nothing"
	if d := cmp.Diff(harmless, ring.Redact(harmless)); d != "" {
		t.Errorf("harmless text (-want +got):\n%s", d)
	}
}
