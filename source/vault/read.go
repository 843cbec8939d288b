package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/rfc3339"
)

// document is one version of a secret.
type document struct {
	version int
	fields  map[string]json.RawMessage
	custom  map[string]json.RawMessage // custom metadata, which is of the secret, not of the version
}

// answer is what KV version 2 says to a read, as far as it is used. Vault and OpenBao differ
// in what stands beside it.
type answer struct {
	Data *struct {
		Data     map[string]json.RawMessage `json:"data"`
		Metadata *struct {
			Version   json.Number                `json:"version"`
			Custom    map[string]json.RawMessage `json:"custom_metadata"`
			Deleted   string                     `json:"deletion_time"`
			Destroyed bool                       `json:"destroyed"`
		} `json:"metadata"`
	} `json:"data"`
}

// read returns a version of the secret; 0 is the newest one. There is no look at the
// metadata first: the answer says by itself which version it is, so that would save no
// request, and it needs a permission more.
func (s *Source) read(ctx context.Context, version int) (document, error) {
	var params url.Values
	if version > 0 {
		params = url.Values{"version": {strconv.Itoa(version)}}
	}
	var doc document
	err := s.withSession(ctx, func(sess *session) error {
		path := s.cfg.Mount + "/data/" + s.cfg.Path
		resp, err := sess.client.Logical().ReadRawWithDataWithContext(ctx, path, params)
		if resp == nil {
			return s.transportError(ctx, err)
		}
		defer func() { _ = resp.Body.Close() }()
		var a answer
		switch decodeErr := json.NewDecoder(resp.Body).Decode(&a); {
		case resp.StatusCode == http.StatusNotFound && decodeErr == nil:
			if err := s.absent(a, err); err != nil {
				return err
			}
		case err != nil:
			return s.serverError(ctx, err)
		case ctx.Err() != nil:
			return ctx.Err()
		case decodeErr != nil:
			return s.notAnAnswer(ctx, decodeErr)
		}
		doc, err = a.document()
		return err
	})
	return doc, err
}

func (s *Source) notAnAnswer(ctx context.Context, err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return s.transportError(ctx, err)
	}
	return errors.New("the answer is not JSON: is this the address of a Vault or OpenBao server?")
}

// absent says what a 404 means: nothing written, nothing mounted, or, which has a body like a
// version that is there, deleted or destroyed.
func (s *Source) absent(a answer, err error) error {
	if a.Data != nil && a.Data.Metadata != nil {
		return nil // the document says it
	}
	if phraseOf(err) == phraseNoMount {
		return fmt.Errorf("404, no secrets engine is mounted at %s/", s.cfg.Mount)
	}
	if s.cfg.Version > 0 {
		return fmt.Errorf("404, version %d does not exist (%w)", s.cfg.Version, keyfit.ErrNoKey)
	}
	return fmt.Errorf("404, nothing was written there (%w)", keyfit.ErrNoKey)
}

var errNotKV2 = errors.New("the answer is not one of KV version 2: look at the mount, and at what kind of engine it is")

func (a answer) document() (document, error) {
	if a.Data == nil || a.Data.Metadata == nil {
		return document{}, errNotKV2
	}
	meta := a.Data.Metadata
	version, err := strconv.Atoi(meta.Version.String())
	switch {
	case err != nil:
		return document{}, errNotKV2
	case meta.Destroyed:
		return document{}, fmt.Errorf("version %d is destroyed: write a new one", version)
	case a.Data.Data == nil:
		return document{}, fmt.Errorf("version %d is deleted: undelete it or write a new one", version)
	}
	return document{version: version, fields: a.Data.Data, custom: meta.Custom}, nil
}

// credential takes the key out of a version. Custom metadata speak of the newest one only.
func (s *Source) credential(doc document, newest bool) (keyfit.Credential, error) {
	cred := keyfit.Credential{
		Place:   s.place() + ", field " + s.cfg.Field,
		Version: strconv.Itoa(doc.version),
	}
	key, err := doc.text(s.cfg.Field)
	if err != nil {
		return keyfit.Credential{}, err
	}
	cred.Key = keyfit.NewSecret(key)
	if s.cfg.IDField != "" {
		id, err := doc.text(s.cfg.IDField)
		if err != nil {
			return keyfit.Credential{}, err
		}
		cred.ID = keyfit.NewSecret(id)
		cred.Place = s.place() + ", fields " + s.cfg.IDField + " and " + s.cfg.Field
	}
	if cred.Expires, err = doc.date(s.cfg.ExpiresField, newest); err != nil {
		return keyfit.Credential{}, err
	}
	if cred.Issued, err = doc.date(s.cfg.IssuedField, newest); err != nil {
		return keyfit.Credential{}, err
	}
	return cred, nil
}

// text returns a field of the data. Its errors hold nothing of the content.
func (d document) text(field string) (string, error) {
	raw, ok := d.fields[field]
	if !ok {
		return "", fmt.Errorf("version %d has no field %q among its %d", d.version, field, len(d.fields))
	}
	var value string
	if json.Unmarshal(raw, &value) != nil {
		return "", fmt.Errorf("field %q of version %d is not a string", field, d.version)
	}
	if strings.TrimSpace(value) == "" {
		return "", fmt.Errorf("field %q of version %d is empty", field, d.version)
	}
	return value, nil
}

func (d document) date(field string, newest bool) (time.Time, error) {
	raw, ok := d.fields[field]
	if !ok && newest {
		raw, ok = d.custom[field]
	}
	var value string
	if !ok || string(raw) == "null" {
		return time.Time{}, nil
	}
	if json.Unmarshal(raw, &value) == nil {
		if value = strings.TrimSpace(value); value == "" {
			return time.Time{}, nil
		}
		if t, ok := rfc3339.Parse(value); ok {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not an RFC 3339 date (2027-01-31) or time (2027-01-31T12:00:00Z)", field)
}
