package keyfit

import "github.com/keyfit/keyfit/internal/redact"

// Redact returns text with the secrets replaced, in every form that [Keyring.Redact] knows.
// A secret of fewer than four bytes stays: it would match too much of the text.
func Redact(text string, secrets ...Secret) string {
	plain := make([]string, 0, len(secrets))
	for _, s := range secrets {
		plain = append(plain, s.Reveal())
	}
	return redact.New(plain...).Text(text)
}

// Redact returns text with every key replaced that the ring holds or recently held, raw or
// as an encoder may have written it: percent-encoded, as JSON or HTML escapes, in base64, as
// hexadecimal digits. Use it for what a program shows of a raw response, because a server may
// echo the key. The errors and events of this package are redacted already.
func (ring *Keyring) Redact(text string) string { return redactorOf(ring.live()...).Text(text) }

// redactorOf returns a redactor of both halves of the credentials.
func redactorOf(creds ...Credential) redact.Redactor {
	plain := make([]string, 0, 2*len(creds))
	for _, c := range creds {
		plain = append(plain, c.ID.Reveal(), c.Key.Reveal())
	}
	return redact.New(plain...)
}
