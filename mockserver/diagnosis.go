package mockserver

import (
	"encoding/json"
	"fmt"
	"time"
)

// Outcome is the result of a request.
type Outcome string

// The outcomes. All but OK, Faulted, NotFound and Pending are refusals.
const (
	OK                Outcome = "ok"
	MissingKey        Outcome = "missing_key"
	UnknownKey        Outcome = "unknown_key"        // a mock key, but not of this server and vendor
	NotAMockKey       Outcome = "not_a_mock_key"     // no mock made it: perhaps a production key
	Expired           Outcome = "expired"            // after its lifetime, or after a rotation's overlap
	Revoked           Outcome = "revoked"            //
	Suspended         Outcome = "suspended"          // disabled until it is enabled again
	WrongScheme       Outcome = "wrong_scheme"       // Authorization with another scheme word
	WrongHeader       Outcome = "wrong_header"       // a credential in another vendor's place
	DuplicateKey      Outcome = "duplicate_key"      // two credentials at once
	MissingPair       Outcome = "missing_pair"       // half of client key + user token
	InsufficientScope Outcome = "insufficient_scope" // MindKey scope, or a kind of credential the route refuses
	AccessDenied      Outcome = "access_denied"      // Optimove access type
	InvalidRequest    Outcome = "invalid_request"    // it does not fit the API's document: WithRequestCheck
	RateLimited       Outcome = "rate_limited"
	Faulted           Outcome = "faulted"   // an injected fault answered, or broke the answer
	NotFound          Outcome = "not_found" // no such route or resource
	Pending           Outcome = "pending"   // arrived; delayed, stalled or still sending its body
)

// Outcomes lists every outcome in a fixed order.
func Outcomes() []Outcome {
	return []Outcome{
		OK, MissingKey, UnknownKey, NotAMockKey, Expired, Revoked, Suspended, WrongScheme, WrongHeader,
		DuplicateKey, MissingPair, InsufficientScope, AccessDenied, InvalidRequest, RateLimited, Faulted, NotFound, Pending,
	}
}

// Diagnosis is the outcome of a request and the reason. It names kinds of
// credentials, never values.
type Diagnosis struct {
	Outcome    Outcome       `json:"outcome"`
	Sent       string        `json:"sent,omitempty"`       // what carried a credential, e.g. "`X-API-KEY`"
	Want       string        `json:"want,omitempty"`       // what the vendor wants
	Why        string        `json:"why,omitempty"`        // one sentence; empty when OK
	KeyID      string        `json:"keyId,omitempty"`      // when the key is one of ours
	RetryAfter time.Duration `json:"retryAfter,omitempty"` // exact wait until the next request is admitted; rate_limited only
}

// Refused reports whether the vendor would refuse the request.
func (d Diagnosis) Refused() bool {
	switch d.Outcome {
	case OK, Faulted, NotFound, Pending, "":
		return false
	default:
	}
	return true
}

// String is the outcome and the sentence, as in the X-Mock-Diagnosis header.
func (d Diagnosis) String() string {
	if d.Why == "" {
		return string(d.Outcome)
	}
	return string(d.Outcome) + ": " + d.Why
}

// MarshalJSON writes the diagnosis with its wait as text.
func (d Diagnosis) MarshalJSON() ([]byte, error) {
	type plain Diagnosis
	return json.Marshal(struct {
		plain
		RetryAfter Duration `json:"retryAfter,omitzero"`
	}{plain(d), Duration(d.RetryAfter)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (d *Diagnosis) UnmarshalJSON(data []byte) error {
	type plain Diagnosis
	var w struct {
		plain
		RetryAfter Duration `json:"retryAfter"`
	}
	if err := json.Unmarshal(data, &w); err != nil {
		return fmt.Errorf("diagnosis: %w", err)
	}
	*d = Diagnosis(w.plain)
	d.RetryAfter = w.RetryAfter.Std()
	return nil
}
