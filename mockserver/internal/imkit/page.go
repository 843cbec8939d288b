package imkit

import (
	"net/http"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// What each page prints for refused credentials, for the variant PageRefusals.

// adminPage: most pages of the API key print one body for a missing and for a
// bad key.
func adminPage() surface.Page {
	bad := surface.Refusal{Status: http.StatusUnauthorized, Code: "INVALID_API_KEY", Message: "Invalid or missing API key"}
	return surface.Page{Missing: bad, Key: bad}
}

// tokenPage: issue, assign, update and revoke token print a flat body.
func tokenPage() surface.Page {
	bad := surface.Refusal{Status: http.StatusUnauthorized, Code: "UNAUTHORIZED", Message: "Invalid API key", Flat: true}
	return surface.Page{Missing: bad, Key: bad}
}

// monitorPage: stats and connection count name the missing right otherwise.
func monitorPage() surface.Page {
	p := adminPage()
	p.Right = surface.Refusal{Status: http.StatusForbidden, Code: "PERMISSION_DENIED", Message: "Platform API permission required"}
	return p
}

// clientPage: the pages of user-level operations; the client key's refusal is
// printed on GET /me.
func clientPage() surface.Page {
	token := surface.Refusal{Status: http.StatusUnauthorized, Code: "INVALID_TOKEN", Message: "Invalid or expired token"}
	client := surface.Refusal{Status: http.StatusForbidden, Code: "INVALID_CLIENT_KEY", Message: "Invalid client key"}
	return surface.Page{Missing: token, Token: token, Client: client}
}

// configPage: GET /config has one body for everything.
func configPage() surface.Page {
	bad := surface.Refusal{Status: http.StatusUnauthorized, Code: "INVALID_AUTH", Message: "Invalid or missing authorization"}
	return surface.Page{Missing: bad, Key: bad, Client: bad, Token: bad}
}
