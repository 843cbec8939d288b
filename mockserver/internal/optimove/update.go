package optimove

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
)

// Batch limits of the pages "Update Customer Attributes" and "Insert Or Update
// Customers".
const (
	maxUpdated    = 1000
	maxAttributes = 10
	maxValue      = 1000 // bytes of an attribute's value
)

// value is an attribute's new value: a string, or a number or boolean as
// written.
type value struct{ text string }

func (v *value) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && (raw[0] == '{' || raw[0] == '[') {
		return &json.UnmarshalTypeError{Value: "object"}
	}
	if raw[0] == '"' {
		return json.Unmarshal(raw, &v.text)
	}
	v.text = string(bytes.TrimPrefix(raw, []byte("null")))
	return nil
}

type change struct {
	RealFieldName string
	Value         value
}

// problem is an entry of errors in a callback.
type problem struct {
	Error         string `json:"error"`
	CustomerID    string `json:"customerId"`
	RealFieldName string `json:"realFieldName,omitempty"`
}

// result is the body of a callback.
type result struct {
	IsSuccess bool      `json:"isSuccess"`
	Errors    []problem `json:"errors,omitempty"`
	RequestID string    `json:"requestId"`
}

// apply sets a customer's attributes and returns what was wrong, in the words
// of the page "Update Customer Attributes". The caller holds d.mu.
func (d *data) apply(c *customer, changes []change) []problem {
	var wrong []problem
	for _, ch := range changes {
		def, ok := attributeByName(ch.RealFieldName)
		reason := ""
		switch {
		case !ok:
			reason = "INVALID_FIELD"
		case def.fixed:
			reason = "UPDATE_FIELD_TEMPORARY_UNAVAILABLE"
		case len(ch.Value.text) > maxValue:
			reason = "INVALID_VALUE"
		case def.number:
			if n, err := strconv.Atoi(ch.Value.text); err != nil || n < 0 {
				reason = "INVALID_VALUE"
			}
		}
		if reason != "" {
			wrong = append(wrong, problem{reason, c.id, ch.RealFieldName})
			continue
		}
		c.values[ch.RealFieldName] = ch.Value.text
	}
	return wrong
}

// called records the callback, which the vendor makes within a minute.
func (d *data) called(url string, wrong []problem) {
	r := result{len(wrong) == 0, wrong, d.uuid()}
	if url == "" || d.env.Callback == nil {
		return
	}
	if body, err := json.Marshal(r); err == nil {
		d.env.Callback(url, body)
	}
}

func updateAttributes(d *data, a *ask) any {
	var in struct {
		List []struct {
			CustomerID string
			Attributes []change
		} `json:"CustomerNewAttributesValuesList"`
		CallbackURL string
	}
	if !a.body(&in) {
		return nil
	}
	switch {
	case len(in.List) == 0:
		return bad("CustomerNewAttributesValuesList is required")
	case len(in.List) > maxUpdated:
		return bad("CustomerNewAttributesValuesList may have at most 1000 customers")
	case in.CallbackURL != "" && !isListenerURL(in.CallbackURL):
		return bad("CallbackURL must be an absolute http or https URL")
	}
	for _, u := range in.List {
		if u.CustomerID == "" {
			return bad("CustomerID is required")
		}
		if len(u.Attributes) > maxAttributes {
			return bad("Attributes may have at most 10 entries per customer")
		}
	}
	d.lock()
	defer d.mu.Unlock()
	var wrong []problem
	for _, u := range in.List {
		c := d.byID[u.CustomerID]
		if c == nil {
			wrong = append(wrong, problem{Error: "INVALID_CUSTOMER", CustomerID: u.CustomerID})
			continue
		}
		wrong = append(wrong, d.apply(c, u.Attributes)...)
	}
	d.called(in.CallbackURL, wrong)
	return nil
}

// newCustomer is a customer to insert or update.
type newCustomer struct {
	CustomerID  string `json:"CustomerId"`
	Attributes  []change
	CallbackURL string `json:"CallbackUrl"`
}

// upsert makes or changes one customer. The caller holds d.mu.
func (d *data) upsert(in *newCustomer) []problem {
	c := d.byID[in.CustomerID]
	if c == nil {
		c = d.add(in.CustomerID)
	}
	return d.apply(c, in.Attributes)
}

func (d *data) hasRoom(ins []newCustomer) bool {
	added := 0
	for _, in := range ins {
		if d.byID[in.CustomerID] == nil {
			added++
		}
	}
	return len(d.customers)+added <= maxCustomers
}

// upsertCustomer: "Input errors will appear in the errors array in the
// response" (page "Upsert Customer").
func upsertCustomer(d *data, a *ask) any {
	var in newCustomer
	if !a.body(&in) {
		return nil
	}
	switch {
	case in.CustomerID == "":
		return bad("CustomerId is required")
	case len(in.CustomerID) > 200:
		return bad("CustomerId is too long")
	case in.CallbackURL != "" && !isListenerURL(in.CallbackURL):
		return bad("CallbackUrl must be an absolute http or https URL")
	}
	d.lock()
	defer d.mu.Unlock()
	if !d.hasRoom([]newCustomer{in}) {
		return bad("The limit of customers is reached")
	}
	wrong := d.upsert(&in)
	d.called(in.CallbackURL, wrong)
	if wrong == nil {
		wrong = []problem{}
	}
	return struct {
		Errors []problem `json:"errors"`
	}{wrong}
}

// insertOrUpdate is the batch of 1 to 1,000, answered 202 (page "Insert Or
// Update Customers").
func insertOrUpdate(d *data, a *ask) any {
	var in struct{ Customers []newCustomer }
	if !a.body(&in) {
		return nil
	}
	if n := len(in.Customers); n < 1 || n > maxUpdated {
		return bad("Customers must have 1 to 1000 entries")
	}
	for _, c := range in.Customers {
		if c.CustomerID == "" || len(c.CustomerID) > 200 || c.CallbackURL != "" {
			return bad("Customers has an invalid entry")
		}
	}
	d.lock()
	defer d.mu.Unlock()
	if !d.hasRoom(in.Customers) {
		return bad("The limit of customers is reached")
	}
	for _, c := range in.Customers {
		d.upsert(&c)
	}
	return reply{status: http.StatusAccepted}
}
