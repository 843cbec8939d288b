package mockserver

import (
	"errors"
	"net/http"

	"github.com/keyfit/keyfit/mockserver/internal/fault"
)

// injectionView is an injection.
type injectionView struct {
	ID        string `json:"id"`
	Match     Match  `json:"match"`
	Fault     Fault  `json:"fault"`
	When      []When `json:"when,omitempty"`
	Hits      int    `json:"hits"`
	Remaining *int   `json:"remaining,omitempty"` // absent: it hits until it is removed
	What      string `json:"what"`                // in words
	Hint      string `json:"hint,omitempty"`      // why it may not do what one expects now
}

func viewFault(i *Injection) injectionView {
	v := injectionView{ID: i.ID, Match: i.Match, Fault: i.Fault, When: i.When, Hits: i.Hits(), What: i.Fault.String(), Hint: i.Hint()}
	if n := i.Remaining(); n >= 0 {
		v.Remaining = &n
	}
	return v
}

func adminFaults(c *adminCall) (any, error) {
	out := page[injectionView]{Items: []injectionView{}}
	for _, i := range c.ns.Injections() {
		out.Items = append(out.Items, viewFault(i))
	}
	return out, nil
}

// FaultSpec is a fault to inject, as data: what the configuration file and the
// admin API take.
type FaultSpec struct {
	Match Match  `json:"match" doc:"provider, method, path (a trailing * matches a prefix) and keyId; absent ones match all"`
	Fault Fault  `json:"fault" required:"true"`
	When  []When `json:"when"`
}

// maxInjections bounds the injections that every request is compared with.
const maxInjections = 1000

// Valid returns an error if the fault cannot be injected into the five providers.
func (spec *FaultSpec) Valid() error { return spec.ValidFor(Providers()) }

// ValidFor is Valid for a server that plays these providers (Server.Providers).
func (spec *FaultSpec) ValidFor(played []Provider) error {
	if spec.Match.Outcome != "" || spec.Match.Status != 0 {
		return errors.New("match: outcome and status are known only after the answer; they select requests, not faults")
	}
	if err := spec.Match.valid(played); err != nil {
		return err
	}
	if len(spec.Match.Body) > 0 {
		return errors.New("match: a fault is injected before the body is read; body selects requests, not faults")
	}
	for _, w := range spec.When {
		when := fault.When(w)
		if err := when.Valid(); err != nil {
			return err
		}
		if err := when.Idle(); err != nil {
			return err
		}
	}
	if err := spec.Fault.valid(); err != nil {
		return err
	}
	f := spec.Fault.definition()
	return f.Idle()
}

func adminInject(c *adminCall) (any, error) {
	var in FaultSpec
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := in.ValidFor(c.srv.Providers()); err != nil {
		return nil, refused(http.StatusBadRequest, "%s", err)
	}
	if len(c.ns.Injections()) >= maxInjections {
		return nil, refused(http.StatusConflict, "%d faults are injected already; DELETE some", maxInjections)
	}
	i, err := c.ns.TryInject(in.Match, in.Fault, in.When...)
	if err != nil {
		return nil, err
	}
	return viewFault(i), nil
}

func adminClearFaults(c *adminCall) (any, error) {
	c.ns.ClearFaults()
	return nil, nil
}

func adminRemoveFault(c *adminCall) (any, error) {
	for _, i := range c.ns.Injections() {
		if i.ID == c.PathValue("id") {
			i.Remove()
			return nil, nil
		}
	}
	return nil, refused(http.StatusNotFound, "no such fault; it may have been removed")
}
