package keyfit

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// KeyShape is what a provider documents about the look of its keys. The zero KeyShape says that
// nothing is documented.
//
// It finds a key in the wrong variable before it is sent to the wrong provider. A generated key
// (32 characters or more, without words) that does not have the shape is an error. A shorter
// text, or one that a person made up, passes, because tests use such keys. If the provider
// changes its keys, set [Provider.KeyShape] to the zero value.
type KeyShape struct {
	// Pattern is a regular expression in the syntax of package regexp that matches a whole
	// key.
	Pattern string
	// Description completes the sentence "the provider's keys are …" for an error:
	// "32 letters and digits".
	Description string
}

// The shapes that vendors document, by their examples: docs.imin.co, Authentication;
// docs.imkit.io, API Key. MindKey, Optimove and iiniit document none.
const (
	iminKeys    = `[0-9A-Za-z]{32}`
	iminShape   = "32 letters and digits"
	imkitKeys   = `([K-Za-e][A-Za-z0-9+/]{3}){14}[K-Za-e][A-Za-z0-9+/]0=` // the base64 of the base64 of 32 bytes
	imkitShape  = "60 characters of base64"
	imkitKeyIs  = "an API key of imkit, which has all rights there"
	imkitUserIs = "a client key of imkit"
)

// validate checks that the pattern is one.
func (shape KeyShape) validate() error {
	if _, err := regexp.Compile(shape.Pattern); err != nil {
		return errors.New("the pattern of the KeyShape is no regular expression")
	}
	return nil
}

// matches reports whether a key has the shape.
func (shape KeyShape) matches(key string) bool {
	matched, err := regexp.MatchString(`^(?:`+shape.Pattern+`)$`, key)
	return err == nil && matched
}

// keyLook is what a ring knows about the look of its keys.
type keyLook struct {
	provider string
	shape    KeyShape
}

// check returns an error if a credential is evidently another provider's. It names no part of
// the key.
func (look keyLook) check(cred Credential) error {
	err := look.fault(cred.Key.Reveal())
	if err == nil && !cred.ID.IsZero() {
		if is := imkitKeyOf(cred.ID.Reveal()); is == imkitKeyIs {
			err = fmt.Errorf("the public half of the pair is %s", is)
		}
	}
	if err == nil {
		return nil
	}
	return &sourceError{cred.placeOr(), err}
}

func (look keyLook) fault(key string) error {
	own := look.shape != KeyShape{}
	if own && look.shape.matches(key) || !look.isOfThisPackage() && !own {
		return nil
	}
	is := imkitKeyOf(key)
	switch {
	case is != "" && look.provider != "imkit":
		return fmt.Errorf("the value is %s, not a key of %s", is, look.provider)
	case own && is != "":
		return fmt.Errorf("the value is %s: the provider's keys are %s", is, look.shape.Description)
	case own && isGenerated(key):
		return fmt.Errorf("the value does not look like a key of %s, whose keys are %s: is it another provider's? A zero Provider.KeyShape allows it", look.provider, look.shape.Description)
	}
	return nil
}

// isOfThisPackage reports whether the provider is one whose documentation this package knows: a
// caller's own provider may have keys of any look.
func (look keyLook) isOfThisPackage() bool {
	switch look.provider {
	case "imin", "mindkey", "imkit", "optimove", "iiniit":
		return true
	}
	return false
}

// imkitKeyOf returns which key of IMKIT a text is, as no other of the five vendors documents
// such keys and a random one does not look so; "" if it is none.
func imkitKeyOf(key string) string {
	if (KeyShape{Pattern: imkitKeys}).matches(key) {
		return imkitKeyIs
	}
	parts := strings.Split(key, ".")
	if len(parts) != 3 {
		return ""
	}
	var claims struct {
		APIKey   json.RawMessage `json:"apiKey"`
		ClientID json.RawMessage `json:"clientId"`
		Created  json.RawMessage `json:"createAt"`
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil || json.Unmarshal(payload, &claims) != nil || claims.APIKey == nil || claims.ClientID == nil || claims.Created == nil {
		return ""
	}
	return imkitUserIs
}

// isGenerated reports whether a text is one that a program made at random: long, of the
// characters of an encoding, and changing between capitals, small letters and digits as no
// person writes.
func isGenerated(text string) bool {
	const least = 32
	if len(text) < least {
		return false
	}
	changes := 0
	for i := range len(text) {
		class := classOf(text[i])
		if class == 0 {
			return false
		}
		if i > 0 && class != classOf(text[i-1]) && class != punctuation && classOf(text[i-1]) != punctuation {
			changes++
		}
	}
	return changes > len(text)/6
}

const punctuation = 4

// classOf returns the class of a character of the encodings that keys use; 0 for another.
func classOf(c byte) int {
	switch {
	case 'a' <= c && c <= 'z':
		return 1
	case 'A' <= c && c <= 'Z':
		return 2
	case '0' <= c && c <= '9':
		return 3
	case strings.IndexByte("+/=_.-", c) >= 0:
		return punctuation
	}
	return 0
}
