package imkit

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// handler is one operation. It runs under the app's lock, so its result must not
// share memory with the state. Its error is an *apiError.
type handler func(*surface.Call) (any, error)

// resultWithMessage is a result with a specific text in RM, as some pages show.
type resultWithMessage struct {
	message string
	result  any
}

// rawResult is a result without the envelope, as the token pages show.
type rawResult struct{ body any }

// encoded is a whole response that never changes.
type encoded struct{ json []byte }

// apiError is a documented error. RM is free text that differs between pages. The
// texts contain no credential.
type apiError struct {
	status            int
	rm, code, message string
	flat              bool // the page shows the flat shape
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

// handle returns the HTTP handler of an operation.
func (a *app) handle(h handler) func(http.ResponseWriter, *surface.Call) {
	return func(w http.ResponseWriter, c *surface.Call) {
		v, err := a.run(h, c)
		if err != nil {
			fail(w, c, err)
			return
		}
		rm := "OK"
		switch r := v.(type) {
		case *encoded:
			surface.Raw(w, http.StatusOK, "application/json; charset=utf-8", r.json)
			return
		case rawResult:
			surface.JSON(w, http.StatusOK, r.body)
			return
		case resultWithMessage:
			rm, v = r.message, r.result
		}
		surface.JSON(w, http.StatusOK, struct {
			RC     int
			RM     string
			Result any `json:"result"`
		}{0, rm, v})
	}
}

// run runs an operation under the lock and notifies the core after unlocking,
// because saving reads the state that the lock guards.
func (a *app) run(h handler, c *surface.Call) (any, error) {
	v, did, err := a.runLocked(h, c)
	if did.changed {
		a.env.NotifyChanged()
	}
	if did.tokens {
		a.env.Tokens.Save()
	}
	for _, h := range did.hooks {
		a.env.Callback(h.url, h.body)
	}
	return v, err
}

func (a *app) runLocked(h handler, c *surface.Call) (any, effects, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.effects = effects{}
	a.sendDue(c.Now)
	v, err := h(c)
	if err == nil && c.Method != http.MethodGet {
		a.effects.changed = true
	}
	return v, a.effects, err
}

// fail writes an error in the shape of its page, unless the profile selects one
// shape for all pages.
func fail(w http.ResponseWriter, c *surface.Call, err error) {
	var e *apiError
	if !errors.As(err, &e) {
		http.Error(w, "mockserver: imkit: "+err.Error(), http.StatusInternalServerError) // a bug: handlers must return an *apiError
		return
	}
	if e.status == http.StatusForbidden {
		c.Forbid(e.message)
	}
	flat := e.flat && !c.Enveloped || c.Variants&surface.FlatErrors != 0
	surface.Raw(w, e.status, "application/json; charset=utf-8", e.body(flat))
}

// body encodes the error with the same bytes as the vendor's pages.
func (e *apiError) body(flat bool) []byte {
	var v any = struct {
		Error   string `json:"error"`
		Message string `json:"message"`
	}{e.code, e.message}
	if !flat {
		type detail struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		}
		v = struct {
			RC    int
			RM    string
			Error detail `json:"error"`
		}{e.status, e.rm, detail{e.code, e.message}}
	}
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return []byte(`{}`) // strings and a number always encode
	}
	return b
}
