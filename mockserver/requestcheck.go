package mockserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// RequestCheck says whether a request fits the description of its operation. operation is
// the route's pattern, as Namespace.Operations lists it; r has the path values of its
// wildcards and a Body that may be read. nil is a request that fits.
//
// It is called by several goroutines at once. The package openapifile makes one from an
// OpenAPI document.
type RequestCheck func(operation string, r *http.Request) *Misfit

// Misfit is what a request has against its description.
type Misfit struct {
	Status int    // 400 to 499; else it is 400
	Why    string // where in the request, and what is allowed; never a value of it
}

// WithRequestCheck refuses requests to p that do not fit, as InvalidRequest. A request is
// checked once its key is good and before the limit: as every refused request it uses
// nothing up. Open operations are checked too; a path that no operation has is NotFound.
// A nil check takes every request. NewHandler fails with ErrNoSuchVendor for an unknown p.
func WithRequestCheck(p Provider, check RequestCheck) Option {
	return func(o *options) {
		if o.checks == nil {
			o.checks = make(map[Provider]RequestCheck)
		}
		o.checks[p] = check
	}
}

// addChecks tells the rows their checks.
func (o *options) addChecks(rows []*vendor) error {
	left := len(o.checks)
	for _, v := range rows {
		if check, given := o.checks[v.provider]; given {
			v.check = check
			left--
		}
	}
	if left > 0 {
		return fmt.Errorf("a request check: %w", ErrNoSuchVendor)
	}
	return nil
}

// misfit checks a request that is good so far, and refuses it if it does not fit.
func (x *exchange) misfit(route *surface.Route) *Misfit {
	if x.v.check == nil || route == nil || x.judgement.Outcome != OK || !x.readBody() {
		return nil
	}
	r := x.req.WithContext(x.req.Context())
	r.ContentLength = int64(len(x.req.body))
	r.Body = io.NopCloser(bytes.NewReader(x.req.body))
	wrong := x.v.check(route.Pattern, r)
	if wrong != nil {
		x.judgement.refuse(InvalidRequest, x.redact(wrong.Why))
	}
	return wrong
}

// refuseMisfit answers a request that does not fit: with the profile's answer, if it has one.
func (x *exchange) refuseMisfit(wrong *Misfit) {
	status := wrong.Status
	if status < 400 || status > 499 {
		status = http.StatusBadRequest
	}
	p := x.profile()
	a, given := p.Answers[InvalidRequest]
	switch {
	case given && x.v.own && x.v.now.Load().misfit == 0:
		a.Status = status
	case given:
	case p.Shape != 0:
		a = Answer{Status: status, Code: "INVALID_REQUEST", Message: x.judgement.Why, Shape: Enveloped}
	default:
		body, err := json.Marshal(map[string]string{"error": string(InvalidRequest), "message": x.judgement.Why})
		if err != nil {
			body = nil // texts always encode
		}
		a = Answer{Status: status, ContentType: jsonType, Body: string(body)}
	}
	addMissing(x.Header(), x.v.refusing(InvalidRequest))
	x.refuseWith(a, quota{})
}
