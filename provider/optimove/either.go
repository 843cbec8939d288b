package optimove

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"

	"github.com/keyfit/keyfit"
)

// either decodes a list of objects, or a single object as a list of one. Optimove's pages name
// the functions but show few of their responses, and what public clients read of the same
// function differs. It is for functions of which one object is expected: where a list is, an
// object is something else, such as an error.
type either[T any] []T

func (e *either[T]) UnmarshalJSON(b []byte) error {
	if trimmed := bytes.TrimSpace(b); len(trimmed) > 0 && trimmed[0] == '[' || bytes.Equal(trimmed, []byte("null")) {
		return json.Unmarshal(b, (*[]T)(e))
	}
	*e = make([]T, 1)
	return json.Unmarshal(b, &(*e)[0])
}

// only returns the only object of a response. Others are not dropped in silence.
func (e either[T]) only(function string) (T, error) {
	var none T
	switch len(e) {
	case 0:
		return none, fmt.Errorf("optimove: %s: the response has no object: %w", path.Base(function), keyfit.ErrNotFound)
	case 1:
		return e[0], nil
	}
	return none, fmt.Errorf("optimove: %s: the response has %d objects, and one was asked for", path.Base(function), len(e))
}
