package surface

import "time"

// Use is the purpose of an OAuth credential.
type Use uint8

// The uses of a Grant.
const (
	AccessToken Use = iota
	RefreshToken
	Code
)

// Grant describes an OAuth credential before it is issued. All credentials of
// one authorization share a Family, so that they can be ended together.
type Grant struct {
	Use      Use
	Client   string
	User     string
	Scopes   []string
	Family   string
	Until    time.Time // expiry; zero selects the server's default lifetime for the Use
	Replaces string    // ID of the refresh token that this one replaces

	// The token request must match these; only a code has them.
	Redirect  string // redirect_uri of the authorization request; empty if it had none
	Challenge string // PKCE S256 challenge; empty without PKCE
}

// Granted is an issued Grant.
type Granted struct {
	Grant
	ID      string
	Created time.Time
	Expires time.Time // zero: never
	Ended   bool      // used or revoked
}

// Client is an OAuth client application.
type Client struct {
	ID        string
	Name      string
	Redirects []string // compared exactly
	Scopes    []string
	Public    bool // has no secret
}

// Problem says why a credential was refused: one of mockserver's Outcomes and a
// sentence that quotes no value of the request. The zero Problem means accepted.
type Problem struct{ Outcome, Why string }

// Consent is the user's decision about an authorization request.
type Consent struct {
	User   string
	Denied bool
	Scopes []string // the granted subset of the requested scopes; nil grants all
}

// Authority stores the clients, codes and tokens of an OAuth authorization
// server among the core's keys, so that expiry, revocation, limits and
// redaction work as for other keys. All methods are safe for concurrent use.
type Authority interface {
	// Client returns a registered client; false if it is unknown, expired or
	// revoked.
	Client(id string) (Client, bool)
	// Authenticate checks the secret of a confidential client.
	Authenticate(id, secret string) (Client, Problem)
	// Consent returns the user's decision about the next authorization request.
	Consent() Consent
	// NewFamily returns the name of a new family.
	NewFamily() string
	// Issue creates a credential. In a family that has ended, the new credential
	// is ended too.
	Issue(Grant) (value string, made Granted)
	// Find looks up a code or token by its value, including ended and expired
	// ones. It returns a Problem for any other value.
	Find(value string) (Granted, Problem)
	// Spend marks a code or refresh token as used. It returns true for exactly
	// one of several callers.
	Spend(id string) bool
	// End revokes one credential.
	End(id, why string)
	// EndFamily revokes all credentials of a family, including those being
	// issued concurrently.
	EndFamily(family, why string)
}
