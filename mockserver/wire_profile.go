package mockserver

import (
	"encoding/json"
	"errors"
	"fmt"
)

// String is "flat" or "enveloped"; "" for the zero Shape.
func (s Shape) String() string {
	switch s {
	case Flat:
		return "flat"
	case Enveloped:
		return "enveloped"
	}
	return ""
}

// MarshalText writes String.
func (s Shape) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads "flat", "enveloped" or nothing.
func (s *Shape) UnmarshalText(text []byte) error {
	for _, known := range []Shape{0, Flat, Enveloped} {
		if string(text) == known.String() {
			*s = known
			return nil
		}
	}
	return fmt.Errorf("shape %q is neither flat nor enveloped", text)
}

type hintName struct {
	hint Hint
	name string
}

func hintNames() []hintName {
	return []hintName{
		{HintBody, "body"},
		{HintSeconds, "seconds"},
		{HintDate, "date"},
		{HintRateLimit, "ratelimit"},
		{HintXRateLimit, "x-ratelimit"},
		{HintNone, "none"},
	}
}

// MarshalJSON writes the hints as a list of names: body, seconds, date,
// ratelimit, x-ratelimit, none.
func (h Hint) MarshalJSON() ([]byte, error) {
	names := []string{}
	for _, n := range hintNames() {
		if h&n.hint != 0 {
			names = append(names, n.name)
		}
	}
	return json.Marshal(names)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (h *Hint) UnmarshalJSON(data []byte) error {
	var names []string
	if err := strict(data, &names); err != nil {
		return fmt.Errorf("hints: %w", err)
	}
	*h = 0
next:
	for _, name := range names {
		for _, n := range hintNames() {
			if n.name == name {
				*h |= n.hint
				continue next
			}
		}
		return fmt.Errorf("hints: unknown hint %q; one of body, seconds, date, ratelimit, x-ratelimit, none", name)
	}
	return nil
}

type wireAnswer struct {
	Status      int    `json:"status"`
	ContentType string `json:"contentType,omitempty"`
	Body        string `json:"body,omitempty"`
	Code        string `json:"code,omitempty"`
	Message     string `json:"message,omitempty"`
	Challenge   string `json:"challenge,omitempty"`
}

// MarshalJSON writes {"status":401,"code":"…","message":"…"} or with a body.
func (a Answer) MarshalJSON() ([]byte, error) { return json.Marshal(wireAnswer(a)) }

// UnmarshalJSON reads what MarshalJSON writes; the status must be one.
func (a *Answer) UnmarshalJSON(data []byte) error {
	var w wireAnswer
	if err := strict(data, &w); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	if w.Status < 200 || w.Status > 599 {
		return fmt.Errorf("answer: status %d is not between 200 and 599", w.Status)
	}
	if w.Code != "" && w.Body != "" {
		return errors.New("answer: give body, or code and message, not both")
	}
	*a = Answer(w)
	return nil
}

type wireProfile struct {
	Shape    Shape              `json:"shape,omitzero"`
	Hints    Hint               `json:"hints,omitzero"`
	Answers  map[Outcome]Answer `json:"answers,omitempty"`
	Client   map[Outcome]Answer `json:"client,omitempty"`
	Token    map[Outcome]Answer `json:"token,omitempty"`
	Bearer   map[Outcome]Answer `json:"bearer,omitempty"`
	Variants Variant            `json:"variants,omitzero"`
}

// MarshalJSON writes shape, hints, answers, client, token, bearer and variants.
func (p Profile) MarshalJSON() ([]byte, error) { return json.Marshal(wireProfile(p)) }

// UnmarshalJSON reads what MarshalJSON writes; answers belong to outcomes that
// exist.
func (p *Profile) UnmarshalJSON(data []byte) error {
	var w wireProfile
	if err := strict(data, &w); err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	known := make(map[Outcome]bool)
	for _, o := range Outcomes() {
		known[o] = true
	}
	for _, answers := range []map[Outcome]Answer{w.Answers, w.Client, w.Token, w.Bearer} {
		for o := range answers {
			if !known[o] {
				return fmt.Errorf("profile: unknown outcome %q", o)
			}
		}
	}
	*p = Profile(w)
	return nil
}
