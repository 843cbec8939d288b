package imkit

import (
	"net/http"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// The documented refusals of each page, for the variant PageRefusals.

// adminPage returns the refusals of most API key operations, whose pages show the
// same body for a missing and a bad key.
func adminPage() surface.Page {
	bad := surface.Refusal{Status: http.StatusUnauthorized, Code: "INVALID_API_KEY", Message: "Invalid or missing API key"}
	return surface.Page{Missing: bad, Key: bad}
}

// tokenPage returns the refusals of the token operations, whose pages show a
// flat body.
func tokenPage() surface.Page {
	bad := surface.Refusal{Status: http.StatusUnauthorized, Code: "UNAUTHORIZED", Message: "Invalid API key", Flat: true}
	return surface.Page{Missing: bad, Key: bad}
}

// monitorPage returns the refusals of stats and connection count, which have
// another body for a missing permission.
func monitorPage() surface.Page {
	p := adminPage()
	p.Right = surface.Refusal{Status: http.StatusForbidden, Code: "PERMISSION_DENIED", Message: "Platform API permission required"}
	return p
}

// clientPage returns the refusals of user-level operations. The refusal of a
// client key is documented on the page of GET /me.
func clientPage() surface.Page {
	token := surface.Refusal{Status: http.StatusUnauthorized, Code: "INVALID_TOKEN", Message: "Invalid or expired token"}
	client := surface.Refusal{Status: http.StatusForbidden, Code: "INVALID_CLIENT_KEY", Message: "Invalid client key"}
	return surface.Page{Missing: token, Token: token, Client: client}
}

// configPage returns the refusals of GET /config, which has one body for all cases.
func configPage() surface.Page {
	bad := surface.Refusal{Status: http.StatusUnauthorized, Code: "INVALID_AUTH", Message: "Invalid or missing authorization"}
	return surface.Page{Missing: bad, Key: bad, Client: bad, Token: bad}
}
