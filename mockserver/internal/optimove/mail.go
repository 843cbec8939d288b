package optimove

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
)

// Bounds of the pages "Send Transactional Mail" and "Send Finalized
// Transactional Mail".
const (
	maxRecipients      = 200
	maxUniqueMessageID = 254
	maxPersonal        = 50_000
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

func mailTemplates(_ *data, a *ask) any { return list(a, mailTemplateList()) }

// outcome is what a send answers; SendID and Error are null where they do not
// apply.
type outcome struct {
	IsSuccess bool
	SendID    *int
	Error     *string
}

// mail is a send. The vendor's pages print more members than were read, so
// unknown ones are let through here.
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

func (a *ask) mail() (mail, bool) {
	var m mail
	if err := json.Unmarshal(a.Data, &m); err != nil {
		a.fail("The request body is not valid JSON of a mail")
		return m, false
	}
	switch {
	case len(m.Recipients) == 0:
		a.fail("Recipients is required")
	case len(m.Recipients) > maxRecipients:
		a.fail("Each call may include a maximum of 200 email recipients")
	case len(m.UniqueMessageID) > maxUniqueMessageID:
		a.fail("UniqueMessageID may have at most 254 characters")
	}
	for _, r := range m.Recipients {
		if !strings.Contains(r.Email, "@") {
			a.fail("Recipients has an entry without Email")
		}
		if len(r.Personalizations) > maxPersonal {
			a.fail("Personalizations may have at most 50,000 bytes")
		}
	}
	return m, a.fault == ""
}

// claim takes a UniqueMessageID; false if a send with it succeeded before. The
// caller holds d.mu.
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

// send books a mail and returns its answer.
func (d *data) send(m *mail, status int, note string) any {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.claim(m.UniqueMessageID) {
		return refusal{http.StatusConflict, "Request for this UniqueMessageID has succeeded before"}
	}
	d.sends++
	id := 235310 + d.sends
	out := outcome{IsSuccess: true, SendID: &id}
	if note != "" {
		out.Error = &note
	}
	return reply{status, out}
}

// sendMail answers 206 when a template's tag has no value, and an invalid
// template inside a 200, as the page "Send Transactional Mail" says.
func sendMail(d *data, a *ask) any {
	m, ok := a.mail()
	if !ok {
		return nil
	}
	if m.TemplateID == nil {
		return bad("TemplateID is required")
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
	invalid := "Invalid template"
	return outcome{Error: &invalid}
}

// missingTag names the template's tag if a recipient brings no value for it.
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

func sendFinalizedMail(d *data, a *ask) any {
	m, ok := a.mail()
	if !ok {
		return nil
	}
	if m.BrandID == nil || m.Subject == "" || m.HTML == "" && m.PlainText == "" {
		return bad("BrandID, Subject and Html or PlainText are required")
	}
	return d.send(&m, http.StatusOK, "")
}
