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
	custom  map[string]json.RawMessage // custom metadata, which belongs to the secret, not to the version
}

// response is the used part of a KV version 2 response to a read. Vault and OpenBao differ in
// other members.
type response struct {
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

// read returns a version of the secret; 0 means the newest one. It does not read the metadata
// first: the response contains the version, so that would save no request, and it would
// require another permission.
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
		var body response
		switch decodeErr := json.NewDecoder(resp.Body).Decode(&body); {
		case resp.StatusCode == http.StatusNotFound && decodeErr == nil:
			if err := s.notFoundError(body, err); err != nil {
				return err
			}
		case err != nil:
			return s.serverError(ctx, err)
		case ctx.Err() != nil:
			return ctx.Err()
		case decodeErr != nil:
			return s.decodeError(ctx, decodeErr)
		}
		doc, err = body.document()
		return err
	})
	return doc, err
}

func (s *Source) decodeError(ctx context.Context, err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return s.transportError(ctx, err)
	}
	return errors.New("the response is not JSON: check that this is the address of a Vault or OpenBao server")
}

// notFoundError returns the error that a 404 stands for: nothing written or nothing
// mounted. It returns nil for a deleted or destroyed version, whose body is like that of an
// existing one.
func (s *Source) notFoundError(resp response, err error) error {
	if resp.Data != nil && resp.Data.Metadata != nil {
		return nil // document returns the error
	}
	if phraseOf(err) == phraseNoMount {
		return fmt.Errorf("404, no secrets engine is mounted at %s/", s.cfg.Mount)
	}
	if s.cfg.Version > 0 {
		return fmt.Errorf("404, version %d does not exist (%w)", s.cfg.Version, keyfit.ErrNoKey)
	}
	return fmt.Errorf("404, nothing was written at this path (%w)", keyfit.ErrNoKey)
}

var errNotKV2 = errors.New("the response is not from KV version 2: check the mount and the kind of the engine")

func (resp response) document() (document, error) {
	if resp.Data == nil || resp.Data.Metadata == nil {
		return document{}, errNotKV2
	}
	meta := resp.Data.Metadata
	version, err := strconv.Atoi(meta.Version.String())
	switch {
	case err != nil:
		return document{}, errNotKV2
	case meta.Destroyed:
		return document{}, fmt.Errorf("version %d is destroyed: write a new one", version)
	case resp.Data.Data == nil:
		return document{}, fmt.Errorf("version %d is deleted: undelete it or write a new one", version)
	}
	return document{version: version, fields: resp.Data.Data, custom: meta.Custom}, nil
}

// credential reads the credential from a version. Custom metadata applies only to the
// newest one.
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

// text returns a field of the data. Its errors never quote the content.
func (d document) text(field string) (string, error) {
	raw, ok := d.fields[field]
	if !ok {
		return "", fmt.Errorf("version %d has no field %q (it has %d fields)", d.version, field, len(d.fields))
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
