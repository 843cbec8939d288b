package mockserver

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"

	"github.com/keyfit/keyfit/mockserver/internal/strictjson"
)

// Profile is a vendor's responses about credentials, limits and unknown paths. It
// is data: set what your account sees differently. Zero fields keep the vendor's
// default.
type Profile struct {
	Shape   Shape
	Hints   Hint
	Answers map[Outcome]Answer
	// Client and Token are used for the halves of a pair (IMKIT), Answers for
	// outcomes that they do not have.
	Client, Token map[Outcome]Answer
	// Bearer is used for OAuth access tokens (iiniit), Answers for outcomes that
	// it does not have.
	Bearer map[Outcome]Answer
	// Variants are choices where the vendor contradicts itself (IMKIT, Optimove).
	Variants Variant
	// PageSize makes MindKey send pages of so many rows with @odata.nextLink, whether
	// or not the caller prefers pages. 0 sends all rows.
	PageSize int
}

// DefaultProfile returns a copy of the vendor's default, as a starting point.
func DefaultProfile(p Provider) Profile {
	for _, v := range vendors() {
		if v.provider == p {
			return v.profile
		}
	}
	return Profile{}
}

// over returns p with the fields that are set in o.
func (p Profile) over(o Profile) Profile {
	merge := func(base, top map[Outcome]Answer) map[Outcome]Answer {
		out := make(map[Outcome]Answer, len(base)+len(top))
		maps.Copy(out, base)
		maps.Copy(out, top)
		return out
	}
	if o.Shape != 0 {
		p.Shape = o.Shape
	}
	if o.Hints != 0 {
		p.Hints = o.Hints
	}
	if o.Variants != 0 {
		p.Variants = o.Variants
	}
	if o.PageSize != 0 {
		p.PageSize = o.PageSize
	}
	p.Answers = merge(p.Answers, o.Answers)
	p.Client, p.Token, p.Bearer = merge(p.Client, o.Client), merge(p.Token, o.Token), merge(p.Bearer, o.Bearer)
	return p
}

// answer returns the refusal for an outcome and the half of a pair it is about.
func (p *Profile) answer(o Outcome, blame credKind) Answer {
	switch blame {
	case credClient:
		if a, ok := p.Client[o]; ok {
			return a
		}
	case credToken:
		if a, ok := p.Token[o]; ok {
			return a
		}
	case credBearer:
		if a, ok := p.Bearer[o]; ok {
			return a
		}
	default:
	}
	if a, ok := p.Answers[o]; ok {
		return a
	}
	return Answer{Status: http.StatusUnauthorized, Body: "Unauthorized"}
}

// tooLarge is the refusal of a body above maxBody, in the vendor's shape if it has
// one.
func (p *Profile) tooLarge() Answer {
	if p.Shape != 0 {
		return Answer{Status: http.StatusRequestEntityTooLarge, Code: "INVALID_BODY", Message: "Request body is too large", Shape: Enveloped}
	}
	return Answer{Status: http.StatusRequestEntityTooLarge, Body: "request body too large"}
}

type wireProfile struct {
	Shape    Shape              `json:"shape,omitzero"`
	Hints    Hint               `json:"hints,omitzero"`
	Answers  map[Outcome]Answer `json:"answers,omitempty"`
	Client   map[Outcome]Answer `json:"client,omitempty"`
	Token    map[Outcome]Answer `json:"token,omitempty"`
	Bearer   map[Outcome]Answer `json:"bearer,omitempty"`
	Variants Variant            `json:"variants,omitzero"`
	PageSize int                `json:"pageSize,omitzero"`
}

// MarshalJSON writes shape, hints, answers, client, token, bearer, variants and
// pageSize.
func (p Profile) MarshalJSON() ([]byte, error) { return json.Marshal(wireProfile(p)) }

// UnmarshalJSON reads what MarshalJSON writes; the outcomes must exist.
func (p *Profile) UnmarshalJSON(data []byte) error {
	var w wireProfile
	if err := strictjson.Decode(data, &w); err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	if w.PageSize < 0 {
		return fmt.Errorf("profile: pageSize %d is negative", w.PageSize)
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
