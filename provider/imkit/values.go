package imkit

import (
	"encoding/json"
	"reflect"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/wire"
)

// Millis is a time that the vendor writes as milliseconds since 1970, in UTC. 0, null and
// nothing are the zero time.
type Millis struct{ time.Time }

// UnmarshalJSON reads a number of milliseconds.
func (m *Millis) UnmarshalJSON(b []byte) (err error) {
	m.Time, err = wire.Millis(b)
	return err
}

// MarshalJSON writes a number of milliseconds.
func (m Millis) MarshalJSON() ([]byte, error) { return wire.EncodeMillis(m.Time), nil }

// Secret is a credential in an answer. It prints and encodes as "[redacted]"; Reveal
// returns it.
type Secret struct{ keyfit.Secret }

// UnmarshalJSON reads a JSON string.
func (s *Secret) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return &json.UnmarshalTypeError{Value: "value", Type: reflect.TypeFor[string]()}
	}
	s.Secret = keyfit.NewSecret(text)
	return nil
}

// Equal reports whether two secrets are the same.
func (s Secret) Equal(other Secret) bool { return s.Reveal() == other.Reveal() }

// Person is a user or group inside another record: a member, a sender. Where the vendor
// writes its ID alone, only ID is set.
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

// sameID drops the member id, which the vendor writes beside _id with the same value.
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

// queryTime writes a time for a query as the vendor's samples do: UTC, milliseconds.
func queryTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }
