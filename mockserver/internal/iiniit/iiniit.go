// Package iiniit plays iiniit: one echo resource. The vendor documents no
// resource at all; its one example address ends in the placeholder /resource.
package iiniit

import (
	"net/http"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// New builds the routes.
func New(surface.Env) []surface.Route {
	return []surface.Route{{Pattern: "GET /resource", Handle: echo}, {Pattern: "POST /resource", Handle: echo}}
}

func echo(w http.ResponseWriter, c *surface.Call) {
	kind := "api_key"
	if c.Caller.Kind == surface.Bearer {
		kind = "bearer"
	}
	surface.JSON(w, http.StatusOK, map[string]any{
		"method": c.Method, "path": c.URL.Path, "credential": kind, "bytes": len(c.Data),
	})
}
