package keyfit_test

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
)

// A key in the wrong variable is found before it is sent: by what its own vendor documents, or
// because the right vendor documents another look. The keys of tests and the mock's own pass.
func TestAKeyOfAnotherVendorIsRefusedByName(t *testing.T) {
	t.Parallel()
	srv := mockserver.New(t)
	providers := map[mockserver.Provider]keyfit.Provider{
		mockserver.Imin: keyfit.Imin(), mockserver.MindKey: keyfit.MindKey(), mockserver.IMKIT: keyfit.IMKIT("app"), mockserver.Optimove: keyfit.Optimove("api4.optimove.net"), mockserver.Iiniit: keyfit.Iiniit(),
	}
	// Of the five, imin and IMKIT document what a key looks like; IMKIT's is unlike all others.
	refused := map[string]bool{}
	for of := range providers {
		for in := range providers {
			refused[string(of)+" in "+string(in)] = of != in && (in == mockserver.Imin || in == mockserver.IMKIT || of == mockserver.IMKIT)
		}
	}
	got := map[string]bool{}
	for of := range providers {
		key := srv.Keys().Issue(of).Secret.Reveal()
		for in, p := range providers {
			file := sourceFile(t, ".env", p.EnvVar+"="+key+"\n")
			_, err := keyfit.New(p, keyfit.WithSource(keyfit.DotEnv(file, p.EnvVar)))
			got[string(of)+" in "+string(in)] = err != nil
			if err != nil && (!strings.Contains(err.Error(), p.EnvVar+" in "+file+": the value ") || strings.Contains(err.Error(), key)) {
				t.Errorf("%s in %s: want the place and the reason, never the value: %v", of, in, err)
			}
		}
	}
	for _, in := range []string{"imin", "imkit"} { // nearly always: base32 may look like words by chance
		delete(refused, "iiniit in "+in)
		delete(got, "iiniit in "+in)
	}
	if d := cmp.Diff(refused, got); d != "" {
		t.Errorf("refused (-want +got):\n%s", d)
	}
	for _, p := range providers {
		for _, key := range []string{"k", "test-key", "key-from-environment-1", "sk-cases-7QmzR4-0123456789abcdef", "0123456789abcdef0123456789abcdef", "a-key-that-a-person-made-up-for-a-test"} {
			if _, err := keyfit.New(p, keyfit.WithKey(key)); err != nil {
				t.Errorf("%s: %v", p.Name, err)
			}
		}
	}
}

func TestAKeyShapeOfTheCallersOwnIsHeld(t *testing.T) {
	t.Parallel()
	acme := keyfit.Provider{Name: "acme", BaseURL: "https://api.acme.example", Scheme: keyfit.Header("X"), KeyShape: keyfit.KeyShape{Pattern: `acme_[0-9a-f]{40}`, Description: "acme_ and 40 hexadecimal digits"}}
	good, wrong := "acme_4f9c1b7e2a8d3065c4f9e1b7a2d8c3f60594e7b1", "4f9C1b7E2a8D3065c4F9e1B7a2D8c3F60594e7B1"
	if _, err := keyfit.New(acme, keyfit.WithKey(good)); err != nil {
		t.Error(err)
	}
	_, err := keyfit.New(acme, keyfit.WithKey(wrong))
	if err == nil || !strings.Contains(err.Error(), "the key given in the program: the value does not look like a key of acme, whose keys are acme_ and 40 hexadecimal digits") || strings.Contains(err.Error(), wrong) {
		t.Errorf("%v", err)
	}
	acme.KeyShape = keyfit.KeyShape{}
	for _, key := range []string{wrong, base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte(wrong)[:32])))} {
		if _, err := keyfit.New(acme, keyfit.WithKey(key)); err != nil {
			t.Errorf("without a shape: %v", err)
		}
	}
	acme.KeyShape.Pattern = "("
	if _, err := keyfit.New(acme, keyfit.WithKey(good)); err == nil || !strings.Contains(err.Error(), "KeyShape") {
		t.Errorf("a broken pattern: %v", err)
	}
}

// Whatever a source offers that cannot be a key, or is another vendor's, the good key stays.
func TestABadOfferNeverReplacesAGoodKey(t *testing.T) {
	t.Parallel()
	const good = "good-key-0123456789"
	offer := keyfit.APIKey(good)
	ring, err := keyfit.NewKeyring(t.Context(), keyfit.SourceFunc(func(context.Context) (keyfit.Credential, error) { return offer, nil }), keyfit.ForProvider(keyfit.IMKIT("app")))
	if err != nil {
		t.Fatal(err)
	}
	other := mockserver.New(t).Keys().Issue(mockserver.MindKey).Secret.Reveal()
	for _, bad := range []string{
		"Bearer abc", "X-API-KEY: abc", "IMKIT_API_KEY=abc", `{"key":"abc"}`, "<your-api-key>", "changeme", "***", "{{ .Values.key }}", "$KEY", "${KEY}", "", "\n", "two\nlines",
		"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", "https://example.com/key", "a b", "\"half", "%KEY%", "<%= key %>", other,
	} {
		offer = keyfit.APIKey(bad)
		offer.Place = "vault secret/lorem"
		changed, err := ring.Reload(t.Context())
		if changed || err == nil || !strings.Contains(err.Error(), "vault secret/lorem: the value ") {
			t.Errorf("%q: changed %t, want the place and the reason, got %v", bad, changed, err)
		}
		if len(bad) > 3 && err != nil && strings.Contains(err.Error(), bad) {
			t.Errorf("the error quotes the value: %v", err)
		}
		if err := ring.Rotate(t.Context(), keyfit.APIKey(bad)); err == nil || len(bad) > 3 && strings.Contains(err.Error(), bad) {
			t.Errorf("Rotate to %q: %v", bad, err)
		}
		if got := currentKey(t, ring); got != good {
			t.Fatalf("after %q the ring uses %q", bad, got)
		}
	}
}
