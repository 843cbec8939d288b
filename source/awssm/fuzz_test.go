package awssm_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/keyfit/keyfit/source/awssm"
)

// Any text of a secret gives a key or an error of one line.
func FuzzTheTextOfASecret(f *testing.F) {
	f.Add(`{"key":"k1","id":"c1","not_after":"2027-01-31"}`, "key", "id")
	f.Add(`{"key":null}`, "key", "")
	f.Add(`null`, "key", "")
	f.Add(`k1`, "", "")
	f.Add(`{"a":{"b":[]}}`, "", "")
	f.Add(" \n", "", "")
	f.Fuzz(func(t *testing.T, text, field, id string) {
		src, err := awssm.New(answers(text), awssm.Config{Secret: "app", Field: field, IDField: id})
		if err != nil {
			return
		}
		offer, err := src.Versions(t.Context())
		cred := offer.Current
		switch {
		case err == nil && (strings.TrimSpace(cred.Key.Reveal()) == "" || id != "" && strings.TrimSpace(cred.ID.Reveal()) == "" || cred.Version == ""):
			t.Errorf("no error, and half a credential: version %q", cred.Version)
		case err != nil && strings.Contains(err.Error(), "\n"):
			t.Errorf("an error of several lines: %q", err)
		}
	})
}

// answers is a client whose secret has the given text.
type answers string

func (a answers) GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	return &secretsmanager.GetSecretValueOutput{SecretString: aws.String(string(a)), VersionId: aws.String("v1")}, nil
}
