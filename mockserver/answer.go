package mockserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/strictjson"
)

// Shape is how a vendor with two documented error bodies writes errors.
type Shape uint8

const (
	// Flat is {"error": CODE, "message": TEXT} (IMKIT's key pages).
	Flat Shape = iota + 1
	// Enveloped is {"RC": STATUS, "RM": TEXT, "error": {"code", "message"}}
	// (IMKIT's resource pages).
	Enveloped
)

// String is "flat" or "enveloped"; "" for the zero Shape.
func (sh Shape) String() string {
	switch sh {
	case Flat:
		return "flat"
	case Enveloped:
		return "enveloped"
	}
	return ""
}

// MarshalText writes String.
func (sh Shape) MarshalText() ([]byte, error) { return []byte(sh.String()), nil }

// UnmarshalText reads "flat", "enveloped" or nothing.
func (sh *Shape) UnmarshalText(text []byte) error {
	for _, known := range []Shape{0, Flat, Enveloped} {
		if string(text) == known.String() {
			*sh = known
			return nil
		}
	}
	return fmt.Errorf("shape %q is neither flat nor enveloped", text)
}

// Answer is a refusal as data: either Body, in which "{retryAfter}" is replaced
// by the seconds to wait, or Code and Message, written in the profile's Shape.
type Answer struct {
	Status      int
	ContentType string // default application/json for Code, text/plain for Body
	Body        string
	Code        string
	Message     string
	Challenge   string // WWW-Authenticate; "{scope}" is replaced by the missing scope
	Shape       Shape  // of Code and Message; zero is the profile's
}

type wireAnswer struct {
	Status      int    `json:"status"`
	ContentType string `json:"contentType,omitempty"`
	Body        string `json:"body,omitempty"`
	Code        string `json:"code,omitempty"`
	Message     string `json:"message,omitempty"`
	Challenge   string `json:"challenge,omitempty"`
	Shape       Shape  `json:"shape,omitzero"`
}

// MarshalJSON writes {"status":401,"code":"…","message":"…"} or with a body.
func (ans Answer) MarshalJSON() ([]byte, error) { return json.Marshal(wireAnswer(ans)) }

// UnmarshalJSON reads what MarshalJSON writes; the status must be valid.
func (ans *Answer) UnmarshalJSON(data []byte) error {
	var w wireAnswer
	if err := strictjson.Decode(data, &w); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	if w.Status < 200 || w.Status > 599 {
		return fmt.Errorf("answer: status %d is not between 200 and 599", w.Status)
	}
	if w.Code != "" && w.Body != "" {
		return errors.New("answer: give body, or code and message, not both")
	}
	*ans = Answer(w)
	return nil
}

// render writes the body. retryAfter, in whole seconds, is used for 429 only.
func (p *Profile) render(a Answer, retryAfter int64) (contentType string, body []byte) {
	contentType = a.ContentType
	wait := strconv.FormatInt(retryAfter, 10)
	if a.Code == "" {
		if contentType == "" {
			contentType = "text/plain; charset=utf-8"
		}
		return contentType, []byte(strings.ReplaceAll(a.Body, "{retryAfter}", wait))
	}
	if contentType == "" {
		contentType = "application/json; charset=utf-8"
	}
	hint := a.Status == http.StatusTooManyRequests && p.Hints&HintBody != 0
	if p.shapeOf(a) == Enveloped {
		return contentType, envelopedBody(a, hint, wait)
	}
	return contentType, flatBody(a, hint, wait)
}

// shapeOf returns the shape of an answer: a profile that is enveloped, or has the
// variant FlatErrors, writes all of them alike.
func (p *Profile) shapeOf(a Answer) Shape {
	switch {
	case p.Variants&FlatErrors != 0:
		return Flat
	case p.Shape != Enveloped && a.Shape != 0:
		return a.Shape
	}
	return p.Shape
}

// flatBody is laid out as on IMKIT's API Key page, byte for byte.
func flatBody(a Answer, hint bool, wait string) []byte {
	s := "{\n  \"error\": " + quote(a.Code) + ",\n  \"message\": " + quote(a.Message)
	if hint {
		s += ",\n  \"retryAfter\": " + wait
	}
	return []byte(s + "\n}")
}

func envelopedBody(a Answer, hint bool, wait string) []byte {
	s := `{"RC": ` + strconv.Itoa(a.Status) + `, "RM": ` + quote(http.StatusText(a.Status)) +
		`, "error": {"code": ` + quote(a.Code) + `, "message": ` + quote(a.Message)
	if hint {
		s += `, "retryAfter": ` + wait
	}
	return []byte(s + "}}")
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""` // a string always encodes
	}
	return string(b)
}
