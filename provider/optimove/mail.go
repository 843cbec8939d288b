package optimove

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/wire"
)

// MailService calls the functions of the group transactionalmail. Optimove allows 10 sends
// per second, separate from its general limit; the client counts them towards the limit of 50
// calls in 10 seconds, which is lower.
type MailService struct{ client *keyfit.Client }

// MailTemplate is a template of transactional mail.
type MailTemplate struct {
	TemplateID         ID                         `json:"TemplateID,omitzero"`
	TemplateName       string                     `json:"TemplateName,omitzero"`
	TemplateContent    string                     `json:"TemplateContent,omitzero"`
	TemplateAttributes []string                   `json:"TemplateAttributes,omitzero"`
	Extra              map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (m *MailTemplate) UnmarshalJSON(b []byte) error {
	type plain MailTemplate
	return wire.Decode(b, (*plain)(m), &m.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (m MailTemplate) MarshalJSON() ([]byte, error) {
	type plain MailTemplate
	return wire.Encode(plain(m), m.Extra)
}

// Templates returns the templates of transactional mail.
//
// Function GetTemplateDetails. Access: Admin and Transactional keys.
func (s *MailService) Templates(ctx context.Context, opts ...keyfit.CallOption) ([]MailTemplate, error) {
	return rows[MailTemplate](ctx, s.client, "/current/transactionalmail/GetTemplateDetails", new(params), opts)
}

// Mail is a transactional mail. Set further documented members in Extra.
type Mail struct {
	TemplateID      ID                         `json:"TemplateID,omitzero"` // for Send
	BrandID         ID                         `json:"BrandID,omitzero"`    // for SendFinalized
	Subject         string                     `json:"Subject,omitzero"`
	HTML            string                     `json:"Html,omitzero"`
	PlainText       string                     `json:"PlainText,omitzero"`
	UniqueMessageID string                     `json:"UniqueMessageID,omitzero"` // at most 254 characters; a second mail with the same ID is refused
	Recipients      []Recipient                `json:"Recipients,omitzero"`
	Extra           map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (m *Mail) UnmarshalJSON(b []byte) error {
	type plain Mail
	return wire.Decode(b, (*plain)(m), &m.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (m Mail) MarshalJSON() ([]byte, error) {
	type plain Mail
	return wire.Encode(plain(m), m.Extra)
}

// Recipient is a recipient of a mail. Personalizations holds the values of the template's
// tags, at most 50,000 bytes.
type Recipient struct {
	Email            string                     `json:"Email,omitzero"`
	Personalizations json.RawMessage            `json:"Personalizations,omitzero"`
	Extra            map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (r *Recipient) UnmarshalJSON(b []byte) error {
	type plain Recipient
	return wire.Decode(b, (*plain)(r), &r.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (r Recipient) MarshalJSON() ([]byte, error) {
	type plain Recipient
	return wire.Encode(plain(r), r.Extra)
}

// MailResult is the result of sending a mail. Error is also set if the mail was sent but some
// of its tags had no value.
type MailResult struct {
	IsSuccess Bool                       `json:"IsSuccess,omitzero"`
	SendID    ID                         `json:"SendID,omitzero"`
	Error     string                     `json:"Error,omitzero"`
	Extra     map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the members that the type does not know in Extra.
func (m *MailResult) UnmarshalJSON(b []byte) error {
	type plain MailResult
	return wire.Decode(b, (*plain)(m), &m.Extra)
}

// MarshalJSON writes the members of Extra after the others.
func (m MailResult) MarshalJSON() ([]byte, error) {
	type plain MailResult
	return wire.Encode(plain(m), m.Extra)
}

const (
	maxUniqueMessageID = 254
	maxPersonal        = 50_000
)

func (m Mail) check() error {
	if err := checkSize("Recipients", len(m.Recipients), MaxRecipients); err != nil {
		return err
	}
	if len(m.UniqueMessageID) > maxUniqueMessageID {
		return fmt.Errorf("UniqueMessageID has %d characters; the maximum is %d", len(m.UniqueMessageID), maxUniqueMessageID)
	}
	for i, r := range m.Recipients {
		if r.Email == "" {
			return fmt.Errorf("recipient %d: Email is missing", i+1)
		}
		if n := len(r.Personalizations); n > maxPersonal {
			return fmt.Errorf("recipient %d: Personalizations has %d bytes; the maximum is %d", i+1, n, maxPersonal)
		}
	}
	return nil
}

// Send sends a template to at most [MaxRecipients] recipients. If Optimove did not send the
// mail, Send returns both the result and an error. If a mail with the same UniqueMessageID
// was sent before, the error is [keyfit.ErrConflict].
//
// Function SendTransactionalMail. Access: Admin and Transactional keys.
func (s *MailService) Send(ctx context.Context, mail Mail, opts ...keyfit.CallOption) (MailResult, error) {
	return s.send(ctx, "SendTransactionalMail", mail, cmp.Or(needs("TemplateID", mail.TemplateID > 0), mail.check()), opts)
}

// SendFinalized sends HTML or text without a template to at most [MaxRecipients] recipients.
// It returns the same errors as Send.
//
// Function SendFinalizedTransactionalMail. Access: Admin and Transactional keys.
func (s *MailService) SendFinalized(ctx context.Context, mail Mail, opts ...keyfit.CallOption) (MailResult, error) {
	return s.send(ctx, "SendFinalizedTransactionalMail", mail, cmp.Or(needs("BrandID", mail.BrandID > 0), needs("Subject", mail.Subject != ""),
		needs("HTML or PlainText", mail.HTML != "" || mail.PlainText != ""), mail.check()), opts)
}

func (s *MailService) send(ctx context.Context, function string, mail Mail, err error, opts []keyfit.CallOption) (MailResult, error) {
	if err != nil {
		return MailResult{}, wrap(function, err)
	}
	path := "/current/transactionalmail/" + function
	opts = append([]keyfit.CallOption{route(http.MethodPost, path)}, opts...)
	result, err := keyfit.Send[MailResult](ctx, s.client, http.MethodPost, path, mail, opts...)
	if err == nil && !result.IsSuccess {
		err = wrap(function, fmt.Errorf("the mail was not sent: %q", result.Error))
	}
	return result, err
}
