package optimove

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
)

// The bounds of the pages "Send Transactional Mail" and "Send Finalized
// Transactional Mail".
const (
	maxRecipients       = 200
	maxUniqueMessageID  = 254
	maxPersonalizations = 50_000
)

type mailTemplate struct {
	TemplateID         int
	TemplateName       string
	TemplateContent    string
	TemplateAttributes []string
}

func mailTemplateList() []mailTemplate {
	return []mailTemplate{
		{1, "Welcome Lorem", "Hi [%TRANS:FIRST_NAME%], welcome back!", []string{"Lorem Fitsum", "news@example.com", "Welcome back!"}},
		{2, "Class booked", "Your Fitsum class is booked.", []string{"Lorem Fitsum", "classes@example.com", "See you there"}},
	}
}

func mailTemplates(_ *data, req *request) any { return list(req, mailTemplateList()) }

// sendResult is the response to a send. SendID and Error are null where they do
// not apply.
type sendResult struct {
	IsSuccess bool
	SendID    *int
	Error     *string
}

// mail is the body of a send. Unknown members are allowed, because the vendor's
// pages show more members than the mock reads.
type mail struct {
	TemplateID      *int   `json:"TemplateID"`
	BrandID         *int   `json:"BrandID"`
	Subject         string `json:"Subject"`
	HTML            string `json:"Html"`
	PlainText       string `json:"PlainText"`
	UniqueMessageID string `json:"UniqueMessageID"`
	Recipients      []struct {
		Email            string          `json:"Email"`
		Personalizations json.RawMessage `json:"Personalizations"`
	} `json:"Recipients"`
}

func (req *request) mail() (mail, bool) {
	var m mail
	if err := json.Unmarshal(req.Data, &m); err != nil {
		req.reject("The request body is not valid JSON of a mail")
		return m, false
	}
	switch {
	case len(m.Recipients) == 0:
		req.reject("Recipients is required")
	case len(m.Recipients) > maxRecipients:
		req.reject("Each call may include a maximum of 200 email recipients")
	case len(m.UniqueMessageID) > maxUniqueMessageID:
		req.reject("UniqueMessageID may have at most 254 characters")
	}
	for _, r := range m.Recipients {
		if !strings.Contains(r.Email, "@") {
			req.reject("Recipients has an entry without Email")
		}
		if len(r.Personalizations) > maxPersonalizations {
			req.reject("Personalizations may have at most 50,000 bytes")
		}
	}
	return m, req.badRequest == ""
}

// claim records a UniqueMessageID. It returns false if an earlier send with the
// same ID succeeded. The caller holds mu.
func (d *data) claim(id string) bool {
	if id == "" {
		return true
	}
	if d.sent[id] {
		return false
	}
	if len(d.sentOrder) >= maxStored {
		delete(d.sent, d.sentOrder[0])
		d.sentOrder = d.sentOrder[1:]
	}
	d.sent[id] = true
	d.sentOrder = append(d.sentOrder, id)
	return true
}

// send records a mail and returns the response.
func (d *data) send(m *mail, status int, note string) any {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.claim(m.UniqueMessageID) {
		return refusal{http.StatusConflict, "Request for this UniqueMessageID has succeeded before"}
	}
	d.sends++
	id := 235310 + d.sends
	out := sendResult{IsSuccess: true, SendID: &id}
	if note != "" {
		out.Error = &note
	}
	return reply{status, out}
}

// sendMail returns 206 if a tag of the template has no value, and reports an
// invalid template in a 200, as documented (page "Send Transactional Mail").
func sendMail(d *data, req *request) any {
	m, ok := req.mail()
	if !ok {
		return nil
	}
	if m.TemplateID == nil {
		return invalid("TemplateID is required")
	}
	for _, t := range mailTemplateList() {
		if t.TemplateID != *m.TemplateID {
			continue
		}
		if missing := m.missingTag(t.TemplateContent); missing != "" {
			return d.send(&m, http.StatusPartialContent, "Missing tags: "+missing)
		}
		return d.send(&m, http.StatusOK, "")
	}
	message := "Invalid template"
	return sendResult{Error: &message}
}

// missingTag returns the tag of the template if a recipient has no value for it.
func (m *mail) missingTag(content string) string {
	const open, end = "[%TRANS:", "%]"
	_, rest, found := strings.Cut(content, open)
	if !found {
		return ""
	}
	tag, _, _ := strings.Cut(rest, end)
	for _, r := range m.Recipients {
		if !bytes.Contains(r.Personalizations, []byte(tag)) {
			return tag
		}
	}
	return ""
}

func sendFinalizedMail(d *data, req *request) any {
	m, ok := req.mail()
	if !ok {
		return nil
	}
	if m.BrandID == nil || m.Subject == "" || m.HTML == "" && m.PlainText == "" {
		return invalid("BrandID, Subject and Html or PlainText are required")
	}
	return d.send(&m, http.StatusOK, "")
}
