package rotate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/internal/smallfile"
)

// maxKeyFile is far above any key file.
const maxKeyFile = 64 << 10

// isJSON reports whether a key file is a JSON object, as the SDK reads it.
func isJSON(content []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(content), []byte("{")) }

// hasJSON reports whether the file of that path is one.
func hasJSON(path string) bool {
	content, err := smallfile.Read(path, maxKeyFile)
	return err == nil && isJSON(content)
}

// editJSON returns the JSON object of a key file with the new key in it, and the dates that belong
// to that. What the object says of the old key alone, its version and its dates, goes; the members
// of others stay.
func editJSON(content []byte, next keyfit.Credential, expires string) ([]byte, error) {
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(content, &doc); err != nil || doc["key"] == nil {
		return nil, errors.New("the file begins with { and is no JSON object with a member key: edit it by hand")
	}
	if doc["not_after"] != nil && expires == "" {
		return nil, cli.Usagef("not_after in the file is the old key's date: give the new one's by --expires, or --expires none to take it out")
	}
	delete(doc, "version")
	delete(doc, "issued_at")
	delete(doc, "not_after")
	set := func(name, value string) {
		doc[name], _ = json.Marshal(value) //nolint:errchkjson // a string
	}
	set("key", next.Key.Reveal())
	if expires != "" && expires != noExpiry {
		set("not_after", expires)
	}
	if !next.Issued.IsZero() {
		set("issued_at", next.Issued.UTC().Format(time.RFC3339Nano))
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if bytes.Contains(bytes.TrimSpace(content), []byte("\n")) {
		e.SetIndent("", "  ")
	}
	if err := e.Encode(doc); err != nil {
		return nil, fmt.Errorf("the JSON of the file: %w", err)
	}
	if !bytes.HasSuffix(content, []byte("\n")) {
		return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
	}
	return out.Bytes(), nil
}
