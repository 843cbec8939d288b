package vaulttest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
)

// reply is a response before it is written.
type reply struct {
	status    int
	data      any    // the "data" of the envelope
	auth      any    // the "auth" of the envelope
	mountType string // set by Vault, not by OpenBao
	raw       any    // instead of the envelope
}

func (r reply) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(r.status)
	if r.status == http.StatusNoContent {
		return
	}
	body := r.raw
	if body == nil {
		envelope := map[string]any{
			"request_id": random(8), "lease_id": "", "renewable": false, "lease_duration": 0,
			"data": r.data, "wrap_info": nil, "warnings": nil, "auth": r.auth,
		}
		if r.mountType != "" {
			envelope["mount_type"] = r.mountType
		}
		body = envelope
	}
	_ = json.NewEncoder(w).Encode(body) //nolint:errchkjson // the client may have disconnected
}

// refuse returns an error reply. Without texts, the list of errors is empty, as for a path
// where nothing was written.
func refuse(status int, texts ...string) reply {
	if texts == nil {
		texts = []string{}
	}
	return reply{status: status, raw: map[string]any{"errors": texts}}
}

func noHandler(path string) reply {
	return refuse(http.StatusNotFound, fmt.Sprintf("no handler for route %q. route entry not found.", path))
}

func (f *Fake) ok(mountType string, data any) reply {
	if f.flavor == OpenBao {
		mountType = ""
	}
	return reply{status: http.StatusOK, data: data, mountType: mountType}
}

// text returns a JSON value as a string; "" if it is not a string.
func text(v any) string {
	s, _ := v.(string)
	return s
}

func random(n int) string { return rand.Text()[:n] }
