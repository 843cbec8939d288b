package keyfit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// keyObject is a JSON object with a key, as a command prints it or a file holds it. Members stay
// raw, because the decoder's own errors quote values.
type keyObject struct {
	Key      json.RawMessage `json:"key"`
	ID       json.RawMessage `json:"id"`
	Version  json.RawMessage `json:"version"`
	NotAfter json.RawMessage `json:"not_after"`
	IssuedAt json.RawMessage `json:"issued_at"`
}

// trimmed returns a text without the byte order mark and the white space around it.
func trimmed(text []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(text, []byte(byteOrderMark)))
}

// parseKeyObject parses a trimmed object, and returns the names of all its members too. Its errors
// say what is wrong with the object, quote nothing, and complete a sentence such as "printed …".
func parseKeyObject(object []byte) (cred Credential, members []string, err error) {
	var doc keyObject
	var all map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(object, &all), json.Unmarshal(object, &doc)); err != nil {
		if bad, ok := errors.AsType[*json.SyntaxError](err); ok && bad.Offset < int64(len(object)) {
			return Credential{}, nil, fmt.Errorf("invalid JSON at byte %d of %d", bad.Offset, len(object))
		}
		return Credential{}, nil, errors.New("a JSON object that is cut short")
	}
	if name := twice(object); name != "" {
		return Credential{}, nil, fmt.Errorf("two members %s", name)
	}
	if cred.Key, err = secretMember("key", doc.Key); err != nil {
		return Credential{}, nil, err
	}
	if len(doc.ID) > 0 && string(doc.ID) != "null" {
		if cred.ID, err = secretMember("id", doc.ID); err != nil {
			return Credential{}, nil, err
		}
	}
	if cred.Version, err = versionMember(doc.Version); err != nil {
		return Credential{}, nil, err
	}
	if cred.Expires, err = timeMember("not_after", doc.NotAfter); err != nil {
		return Credential{}, nil, err
	}
	if cred.Issued, err = timeMember("issued_at", doc.IssuedAt); err != nil {
		return Credential{}, nil, err
	}
	return cred, slices.Sorted(maps.Keys(all)), nil
}

// twice returns the name of a member of a keyObject that an object has more than once, in whatever
// case, as encoding/json reads them; "" if there is none. The object is valid.
func twice(object []byte) string {
	dec := json.NewDecoder(bytes.NewReader(object))
	if _, err := dec.Token(); err != nil {
		return ""
	}
	seen := make(map[string]bool)
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return ""
		}
		lower := strings.ToLower(fmt.Sprint(name))
		if slices.Contains([]string{"key", "id", "version", "not_after", "issued_at"}, lower) && seen[lower] {
			return lower
		}
		seen[lower] = true
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return ""
		}
	}
	return ""
}

func secretMember(name string, raw json.RawMessage) (Secret, error) {
	var text *string
	if len(raw) > 0 && json.Unmarshal(raw, &text) != nil {
		return Secret{}, fmt.Errorf("a member %s that is not text", name)
	}
	if text == nil {
		return Secret{}, fmt.Errorf("no member %s", name)
	}
	clean, err := cleanKey(*text)
	if err != nil {
		return Secret{}, fmt.Errorf("a member %s: %w", name, err)
	}
	return NewSecret(clean), nil
}

// versionMember accepts a string, or a number, which it returns as written.
func versionMember(raw json.RawMessage) (string, error) {
	var text *string
	var number json.Number
	switch {
	case len(raw) == 0 || json.Unmarshal(raw, &text) == nil:
		if text == nil {
			return "", nil
		}
		return strings.TrimSpace(*text), nil
	case json.Unmarshal(raw, &number) == nil:
		return number.String(), nil
	}
	return "", errors.New("a member version that is neither text nor a number")
}

func timeMember(name string, raw json.RawMessage) (time.Time, error) {
	var text *string
	if len(raw) > 0 && json.Unmarshal(raw, &text) != nil {
		return time.Time{}, fmt.Errorf("a member %s that is not text", name)
	}
	if text == nil || strings.TrimSpace(*text) == "" {
		return time.Time{}, nil
	}
	t, err := parseDate(*text)
	if err != nil {
		return time.Time{}, fmt.Errorf("a member %s that is %w", name, err)
	}
	return t, nil
}

// parseKeyFile parses the content of a key file: a key, or an object as above. Its errors quote
// nothing.
func parseKeyFile(content []byte) (Credential, error) {
	object := trimmed(content)
	if len(object) == 0 || object[0] != '{' || isTemplate(object) {
		key, err := cleanKey(string(content))
		if err != nil {
			return Credential{}, err
		}
		return Credential{Key: NewSecret(key)}, nil
	}
	cred, members, err := parseKeyObject(object)
	if err != nil {
		return Credential{}, fmt.Errorf("the file has %w: a file that begins with { is read as a JSON object with the members key and not_after", err)
	}
	for _, name := range members {
		if right := misspelt(name); right != "" {
			return Credential{}, fmt.Errorf("the file has a member %s, which is not read: the name is %s", canonical(name), right)
		}
	}
	return cred, nil
}

// isTemplate reports whether a text begins with a template that was not filled in, of which
// [cleanKey] says so.
func isTemplate(text []byte) bool {
	return bytes.HasPrefix(text, []byte("{{")) || bytes.HasPrefix(text, []byte("{%"))
}

// canonical returns the name of a member in lower case without what separates its words.
func canonical(name string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "", ".", "").Replace(strings.ToLower(name))
}

// misspelt returns the name of the date that the name of a member probably means; "" if it means
// something else, or is spelt well.
func misspelt(name string) string {
	if lower := strings.ToLower(name); lower == "not_after" || lower == "issued_at" { // as encoding/json reads them
		return ""
	}
	switch canonical(name) {
	case "notafter", "expires", "expiry", "expiration", "expiresat", "expireson", "expiresin", "expirydate", "expirationdate", "expirationtime", "validuntil", "validto", "notafterdate":
		return "not_after"
	case "issuedat", "issued", "issuedon", "issuedate":
		return "issued_at"
	}
	return ""
}
