package imkit

import (
	"encoding/json"
	"reflect"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/wire"
)

// Millis is a time that the vendor sends as milliseconds since 1970, in UTC. 0, null and an
// absent member give the zero time.
type Millis struct{ time.Time }

// UnmarshalJSON decodes a number of milliseconds.
func (m *Millis) UnmarshalJSON(b []byte) (err error) {
	m.Time, err = wire.Millis(b)
	return err
}

// MarshalJSON encodes a number of milliseconds.
func (m Millis) MarshalJSON() ([]byte, error) { return wire.EncodeMillis(m.Time), nil }

// Secret is a credential in a response. It prints and encodes as "[redacted]"; Reveal returns
// the value.
type Secret struct{ keyfit.Secret }

// UnmarshalJSON decodes a JSON string.
func (s *Secret) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return &json.UnmarshalTypeError{Value: "value", Type: reflect.TypeFor[string]()}
	}
	s.Secret = keyfit.NewSecret(text)
	return nil
}

// Equal reports whether two secrets have the same value.
func (s Secret) Equal(other Secret) bool { return s.Reveal() == other.Reveal() }

// Person is a user or group inside another record, such as a member or a sender. If the
// vendor sends only an ID, only ID is set.
type Person struct {
	ID          string                     `json:"_id"`
	Nickname    string                     `json:"nickname,omitempty"`
	Description string                     `json:"description,omitempty"`
	AvatarURL   string                     `json:"avatarUrl,omitempty"`
	IsRobot     bool                       `json:"isRobot,omitempty"`
	LastLogin   Millis                     `json:"lastLoginTimeMS,omitzero"`
	Extra       map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON decodes an ID or an object, and keeps unknown fields.
func (p *Person) UnmarshalJSON(b []byte) error {
	if id, ok := wire.String(b); ok {
		*p = Person{ID: id}
		return nil
	}
	type plain Person
	err := wire.Decode(b, (*plain)(p), &p.Extra)
	p.Extra = sameID(&p.ID, p.Extra)
	return err
}

// MarshalJSON encodes an object, unknown fields included.
func (p Person) MarshalJSON() ([]byte, error) {
	type plain Person
	return wire.Encode(plain(p), p.Extra)
}

// sameID removes the member id, which the vendor sends beside _id with the same value.
func sameID(id *string, extra map[string]json.RawMessage) map[string]json.RawMessage {
	same, ok := wire.String(extra["id"])
	switch {
	case !ok || *id != "" && same != *id:
		return extra
	case *id == "":
		*id = same
	}
	delete(extra, "id")
	if len(extra) == 0 {
		return nil
	}
	return extra
}

func idsOf(people []Person) []string {
	ids := make([]string, len(people))
	for i, p := range people {
		ids[i] = p.ID
	}
	return ids
}

// queryTime formats a time for a query like the vendor's samples: in UTC with milliseconds.
func queryTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }
