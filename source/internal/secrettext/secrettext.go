// Package secrettext reads a credential from the text of a secret of a store: the key alone, or a
// JSON object with it. The sources in modules of their own use it.
package secrettext

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/rfc3339"
)

// Names are the fields of a secret that is a JSON object. Without Key the text is the key.
type Names struct {
	Key     string
	ID      string // the first half of a pair; "" for none
	Expires string // an RFC 3339 date or time; the field may be missing
	Issued  string // as Expires
}

// fields holds the fields of a secret that is a JSON object.
type fields map[string]json.RawMessage

// Credential reads the credential from the text of a secret. Its errors never quote the content.
func (n Names) Credential(text string) (keyfit.Credential, error) {
	var object fields
	isObject := json.Unmarshal([]byte(text), &object) == nil && object != nil
	switch {
	case n.Key == "" && isObject:
		return keyfit.Credential{}, errors.New("the secret is a JSON object: set Config.Field to the field that holds the key")
	case n.Key == "" && strings.TrimSpace(text) == "":
		return keyfit.Credential{}, errors.New("the secret is empty")
	case n.Key == "":
		return keyfit.APIKey(text), nil
	case !isObject:
		return keyfit.Credential{}, fmt.Errorf("the secret is not a JSON object, so it has no field %q", n.Key)
	}
	key, err := object.text(n.Key)
	if err != nil {
		return keyfit.Credential{}, err
	}
	cred := keyfit.APIKey(key)
	if n.ID != "" {
		id, err := object.text(n.ID)
		if err != nil {
			return keyfit.Credential{}, err
		}
		cred.ID = keyfit.NewSecret(id)
	}
	if cred.Expires, err = object.date(n.Expires); err != nil {
		return keyfit.Credential{}, err
	}
	if cred.Issued, err = object.date(n.Issued); err != nil {
		return keyfit.Credential{}, err
	}
	return cred, nil
}

func (f fields) text(name string) (string, error) {
	raw, ok := f[name]
	if !ok {
		return "", fmt.Errorf("the secret has no field %q (it has %d fields)", name, len(f))
	}
	var value string
	if json.Unmarshal(raw, &value) != nil || string(raw) == "null" {
		return "", fmt.Errorf("field %q of the secret is not a string", name)
	}
	if strings.TrimSpace(value) == "" {
		return "", fmt.Errorf("field %q of the secret is empty", name)
	}
	return value, nil
}

func (f fields) date(name string) (time.Time, error) {
	raw, ok := f[name]
	if !ok || string(raw) == "null" {
		return time.Time{}, nil
	}
	var value string
	if json.Unmarshal(raw, &value) == nil {
		if value = strings.TrimSpace(value); value == "" {
			return time.Time{}, nil
		}
		if t, ok := rfc3339.Parse(value); ok {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not an RFC 3339 date (2027-01-31) or time (2027-01-31T12:00:00Z)", name)
}
