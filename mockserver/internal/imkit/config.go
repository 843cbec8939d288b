package imkit

import (
	"encoding/json"
	"maps"
	"net/http"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// The settings of the application are arbitrary JSON values by name.

func (a *app) getConfig(*surface.Call) (any, error) { return maps.Clone(a.config), nil }

// censorship is the name of the setting with the sensitive words.
const censorship = "censorship"

func isCensorship(raw json.RawMessage) bool {
	var in struct {
		Keywords *[]string `json:"keywords"`
	}
	return json.Unmarshal(raw, &in) == nil && in.Keywords != nil
}

// updateConfig sets the given settings and keeps the others. Only censorship has a
// documented form (page "Update Sensitive Words").
func (a *app) updateConfig(c *surface.Call) (any, error) {
	in := make(map[string]json.RawMessage)
	if err := decode(c, &in, invalidBody); err != nil {
		return nil, err
	}
	if raw, ok := in[censorship]; ok && !isCensorship(raw) {
		return nil, refused(http.StatusBadRequest, "Invalid request format", "INVALID_CONFIG_FORMAT", "Config format is invalid or malformed")
	}
	delta := 0
	for key, value := range in {
		delta += sizeOf(key) + len(value)
		if old, known := a.config[key]; known {
			delta -= sizeOf(key) + len(old)
		}
	}
	if err := a.reserve(delta); err != nil {
		return nil, err
	}
	maps.Copy(a.config, in)
	return maps.Clone(a.config), nil
}

func (a *app) deleteConfig(c *surface.Call) (any, error) {
	key := c.PathValue("key")
	value, known := a.config[key]
	if !known {
		return nil, refused(http.StatusNotFound, "Not Found", "CONFIG_NOT_FOUND", "The specified config key does not exist")
	}
	_ = a.reserve(-sizeOf(key) - len(value)) // releasing never fails
	delete(a.config, key)
	return struct{}{}, nil
}
