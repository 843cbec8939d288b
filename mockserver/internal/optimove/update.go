package optimove

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
)

// The batch limits of the pages "Update Customer Attributes" and "Insert Or Update
// Customers".
const (
	maxUpdated    = 1000
	maxAttributes = 10
	maxValue      = 1000 // bytes of an attribute value
)

// value is the new value of an attribute: a string, or the literal text of a
// number or boolean.
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

type attributeChange struct {
	RealFieldName string
	Value         value
}

// problem is an entry of the member errors in a callback or response.
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

// apply sets a customer's attributes and returns the problems, with the codes of
// the page "Update Customer Attributes". The caller holds mu.
func (d *data) apply(c *customer, changes []attributeChange) []problem {
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

// recordCallback records the callback that the vendor would send within a minute.
func (d *data) recordCallback(url string, wrong []problem) {
	r := result{len(wrong) == 0, wrong, d.requestID()}
	if url == "" || d.env.Callback == nil {
		return
	}
	if body, err := json.Marshal(r); err == nil {
		d.env.Callback(plainURL(url), body)
	}
}

func updateAttributes(d *data, req *request) any {
	var in struct {
		List []struct {
			CustomerID string
			Attributes []attributeChange
		} `json:"CustomerNewAttributesValuesList"`
		CallbackURL string
	}
	if !req.body(&in) {
		return nil
	}
	switch {
	case len(in.List) == 0:
		return invalid("CustomerNewAttributesValuesList is required")
	case len(in.List) > maxUpdated:
		return invalid("CustomerNewAttributesValuesList may have at most 1000 customers")
	case in.CallbackURL != "" && !isListenerURL(in.CallbackURL):
		return invalid("CallbackURL must be an absolute http or https URL")
	}
	for _, u := range in.List {
		if u.CustomerID == "" {
			return invalid("CustomerID is required")
		}
		if len(u.Attributes) > maxAttributes {
			return invalid("Attributes may have at most 10 entries per customer")
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
	d.recordCallback(in.CallbackURL, wrong)
	return nil
}

// newCustomer is a customer to insert or update.
type newCustomer struct {
	CustomerID  string `json:"CustomerId"`
	Attributes  []attributeChange
	CallbackURL string `json:"CallbackUrl"`
}

// upsert creates or updates one customer. The caller holds mu.
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

// upsertCustomer creates or updates one customer: "Input errors will appear in
// the errors array in the response" (page "Upsert Customer").
func upsertCustomer(d *data, req *request) any {
	var in newCustomer
	if !req.body(&in) {
		return nil
	}
	switch {
	case in.CustomerID == "":
		return invalid("CustomerId is required")
	case len(in.CustomerID) > 200:
		return invalid("CustomerId is too long")
	case in.CallbackURL != "" && !isListenerURL(in.CallbackURL):
		return invalid("CallbackUrl must be an absolute http or https URL")
	}
	d.lock()
	defer d.mu.Unlock()
	if !d.hasRoom([]newCustomer{in}) {
		return invalid("The limit of customers is reached")
	}
	wrong := d.upsert(&in)
	d.recordCallback(in.CallbackURL, wrong)
	if wrong == nil {
		wrong = []problem{}
	}
	return struct {
		Errors []problem `json:"errors"`
	}{wrong}
}

// insertOrUpdate creates or updates 1 to 1,000 customers and returns 202 (page
// "Insert Or Update Customers").
func insertOrUpdate(d *data, req *request) any {
	var in struct{ Customers []newCustomer }
	if !req.body(&in) {
		return nil
	}
	if n := len(in.Customers); n < 1 || n > maxUpdated {
		return invalid("Customers must have 1 to 1000 entries")
	}
	for _, c := range in.Customers {
		if c.CustomerID == "" || len(c.CustomerID) > 200 || c.CallbackURL != "" {
			return invalid("Customers has an invalid entry")
		}
	}
	d.lock()
	defer d.mu.Unlock()
	if !d.hasRoom(in.Customers) {
		return invalid("The limit of customers is reached")
	}
	for _, c := range in.Customers {
		d.upsert(&c)
	}
	return reply{status: http.StatusAccepted}
}
