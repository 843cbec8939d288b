package imkit

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// handler is one operation. It runs under the app's lock, so what it returns
// must not share memory with the state. An error is an *apiError.
type handler func(*surface.Call) (any, error)

// said is a result with a text of its own in RM, as some pages print one.
type said struct {
	rm     string
	result any
}

// bare is a result without the envelope, as the token pages print it.
type bare struct{ body any }

// apiError is an error as the vendor documents it. RM is free text and differs
// from page to page. The texts hold no credential.
type apiError struct {
	status            int
	rm, code, message string
	flat              bool // the page prints the flat shape
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

// handle wraps an operation: the lock, what is due by the clock, the answer.
func (a *app) handle(h handler) func(http.ResponseWriter, *surface.Call) {
	return func(w http.ResponseWriter, c *surface.Call) {
		v, err := a.locked(h, c)
		if err != nil {
			fail(w, c, err)
			return
		}
		rm := "OK"
		switch r := v.(type) {
		case bare:
			surface.JSON(w, http.StatusOK, r.body)
			return
		case said:
			rm, v = r.rm, r.result
		}
		surface.JSON(w, http.StatusOK, struct {
			RC     int
			RM     string
			Result any `json:"result"`
		}{0, rm, v})
	}
}

// locked runs an operation under the lock. The core hears of it once the lock
// is free: saving reads what the lock guards.
func (a *app) locked(h handler, c *surface.Call) (any, error) {
	v, did, err := a.operate(h, c)
	if did.changed {
		a.env.Tell()
	}
	if did.tokens {
		a.env.Tokens.Save()
	}
	return v, err
}

func (a *app) operate(h handler, c *surface.Call) (any, effects, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.did = effects{}
	a.settle(c.Now)
	v, err := h(c)
	if err == nil && c.Method != http.MethodGet {
		a.did.changed = true
	}
	return v, a.did, err
}

// fail writes an error in the shape of its page, unless the profile asks for
// one shape everywhere.
func fail(w http.ResponseWriter, c *surface.Call, err error) {
	var e *apiError
	if !errors.As(err, &e) {
		http.Error(w, "mockserver: imkit: "+err.Error(), http.StatusInternalServerError) // a bug: handlers return apiErrors
		return
	}
	if e.status == http.StatusForbidden && c.Forbid != nil {
		c.Forbid(e.message)
	}
	flat := e.flat && !c.Enveloped || c.Variants&surface.FlatErrors != 0
	surface.Raw(w, e.status, "application/json; charset=utf-8", e.body(flat))
}

// body is laid out as on the vendor's pages, byte for byte.
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
