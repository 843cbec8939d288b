package imkit

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/keyfit/keyfit"
)

// Settings holds the settings of the application by name. Values are any JSON.
type Settings map[string]json.RawMessage

// ConfigService reads the application's settings. Page "Get Config".
type ConfigService struct{ caller *caller }

// Get returns all settings.
func (s *ConfigService) Get(ctx context.Context, opts ...keyfit.CallOption) (Settings, error) {
	return call[Settings](ctx, s.caller, request{method: http.MethodGet, template: "/config"}, opts)
}

// AdminConfigService reads and changes the application's settings. Pages "Update Config",
// "Delete Config", "Update Sensitive Words".
type AdminConfigService struct{ *ConfigService }

// Update sets the given settings, keeps the others and returns all of them. The list of
// sensitive words is {"censorship": {"keywords": […]}}.
func (s *AdminConfigService) Update(ctx context.Context, settings map[string]any, opts ...keyfit.CallOption) (Settings, error) {
	r := request{method: http.MethodPost, template: "/config", body: settings}
	if len(settings) == 0 {
		r.err = errors.New("there are no settings to change")
	}
	return call[Settings](ctx, s.caller, r, opts)
}

// Delete deletes one setting. If it does not exist, the error is a 404, CONFIG_NOT_FOUND.
func (s *AdminConfigService) Delete(ctx context.Context, key string, opts ...keyfit.CallOption) error {
	r := request{method: http.MethodDelete, template: "/config/{key}", values: []string{key}}
	_, err := call[struct{}](ctx, s.caller, r, opts)
	return err
}
