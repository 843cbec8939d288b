package surface

import "time"

// Use is what an OAuth credential is for.
type Use uint8

// The uses of a Grant.
const (
	AccessToken Use = iota
	RefreshToken
	Code
)

// Grant is what an OAuth credential stands for. Family ties together all that
// came from one authorization, so that all of it can be ended at once.
type Grant struct {
	Use      Use
	Client   string
	User     string
	Scopes   []string
	Family   string
	Until    time.Time // its end; zero is the server's usual life for the use
	Replaces string    // ID of the refresh token whose successor this is

	// Of a code: what the token request must match.
	Redirect  string // as the authorization request sent it; empty if it did not
	Challenge string // PKCE S256; empty without PKCE
}

// Granted is a Grant that the server keeps.
type Granted struct {
	Grant
	ID      string
	Created time.Time
	Expires time.Time // zero is never
	Ended   bool      // used up or revoked
}

// Client is an OAuth client application.
type Client struct {
	ID        string
	Name      string
	Redirects []string // exact matches only
	Scopes    []string
	Public    bool // has no secret
}

// Problem is why a credential was not accepted: one of mockserver's Outcomes
// and a sentence without any value. The zero Problem is none.
type Problem struct{ Outcome, Why string }

// Consent is what the user answers when a client asks for access.
type Consent struct {
	User   string
	Denied bool
	Scopes []string // what the user grants of what was asked; nil grants all
}

// Authority keeps the clients, codes and tokens of an OAuth authorization
// server among the core's keys, so that their ends, revocations, limits and
// redaction are the core's. All methods are safe for concurrent use.
type Authority interface {
	// Client returns a registered client that may be used.
	Client(id string) (Client, bool)
	// Authenticate checks a confidential client's secret.
	Authenticate(id, secret string) (Client, Problem)
	// Consent returns the answer of the user to the next authorization.
	Consent() Consent
	// NewFamily names a new authorization.
	NewFamily() string
	// Issue makes a credential. Into a family that was ended it issues an ended
	// one.
	Issue(Grant) (value string, made Granted)
	// Find returns what a value stands for, ended or expired ones too; a
	// Problem when it is no code or token of this server.
	Find(value string) (Granted, Problem)
	// Spend uses up a code or refresh token. It reports false when that
	// happened already: of several callers exactly one wins.
	Spend(id string) bool
	// End revokes one credential.
	End(id, why string)
	// EndFamily revokes everything of a family, also what is still being made.
	EndFamily(family, why string)
}
