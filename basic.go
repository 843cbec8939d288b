package keyfit

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
)

// Basic returns a scheme that sends the key as the password of HTTP Basic authentication (RFC
// 7617): Authorization: Basic base64(user:key). The user may be empty. A credential that is a
// pair brings its own user, [Credential.ID], and user must be "" then.
func Basic(user string) Scheme { return basicScheme{user: user} }

// BasicUser returns a scheme that sends the key as the user of HTTP Basic authentication, with
// a fixed password, which is often empty: Authorization: Basic base64(key:password). A password of
// four bytes or more is redacted wherever the key is.
func BasicUser(password string) Scheme { return basicScheme{password: password, keyIsUser: true} }

// basicScheme has the fixed half of Basic credentials.
type basicScheme struct {
	user, password string
	keyIsUser      bool
}

var (
	errBasicUser = errors.New("the user of Basic authentication has a colon, which ends it (RFC 7617, section 2)")
	errBasicText = errors.New("a half of the Basic credentials has a control character (RFC 7617, section 2)")
	errBasicPair = errors.New("the scheme has a user of its own, and so has the credential, which is a pair")
)

func (bs basicScheme) Apply(req *http.Request, c Credential) error {
	return bs.put(req.Header, c)
}

func (bs basicScheme) put(h http.Header, c Credential) error {
	user, password := bs.user, c.Key.Reveal()
	switch {
	case bs.keyIsUser && !c.ID.IsZero():
		return errSchemeWantsKey
	case bs.keyIsUser:
		user, password = password, bs.password
	case !c.ID.IsZero() && user != "":
		return errBasicPair
	case !c.ID.IsZero():
		user = c.ID.Reveal()
	}
	if err := validBasic(user, password); err != nil {
		return err
	}
	h["Authorization"] = []string{"Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))}
	removeOtherSpellings(h, "Authorization")
	return nil
}

func validBasic(user, password string) error {
	if strings.Contains(user, ":") {
		return errBasicUser
	}
	if strings.ContainsFunc(user+password, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return errBasicText
	}
	return nil
}

// secrets are what is sent beside the key and redacted as it is.
func (bs basicScheme) secrets() []string {
	if bs.password == "" {
		return nil
	}
	return []string{bs.password}
}

func (bs basicScheme) fields() []string { return []string{"Authorization"} }

func (bs basicScheme) validate() error { return validBasic(bs.user, bs.password) }
