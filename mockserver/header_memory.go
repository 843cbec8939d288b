package mockserver

import (
	"net/http"
	"slices"
	"strings"

	"github.com/keyfit/keyfit/mockserver/internal/redact"
)

const (
	maxMemoryFields = 16
	maxMemoryValue  = 256
)

// headerMemory is the last header that an exchange described, as the journal shows it: most
// requests repeat the header of the one before, and so do most answers. The entries of the
// journal share its fields, which never change.
//
// It holds nothing that the journal does not show. Of a request it is valid for one version
// of the vault, and only while the request's own credentials have nothing in common with it.
type headerMemory struct {
	fields  []headerField // nil is none
	size    int           // of the fields, in bytes
	hidden  uint32        // bit i: the value of fields[i] is hidden, whatever it is
	version uint64        // of the vault, before the fields were redacted
}

// repeats reports whether h has the remembered fields, each once, with their values as far as
// they are shown. own tells whether a hidden value is one that needs no further care.
func (m *headerMemory) repeats(h http.Header, own *credentials) bool {
	if len(m.fields) == 0 || len(h) != len(m.fields) {
		return false
	}
	for i := range m.fields {
		f := &m.fields[i]
		values := h[f.name]
		if len(values) != 1 {
			return false
		}
		if m.hidden>>i&1 == 0 {
			if values[0] != f.value {
				return false
			}
		} else if own != nil && !own.has(values[0]) {
			return false
		}
	}
	return true
}

// free reports whether nothing that the request presented stands in the remembered fields.
func (m *headerMemory) free(red *redact.Redactor) bool {
	for i := range m.fields {
		text := m.fields[i].value
		if m.hidden>>i&1 != 0 {
			text = m.fields[i].name
		}
		if red.Presented(text) {
			return false
		}
	}
	return true
}

// keep remembers the fields of h if they are what was sent, except for hidden values, and
// reports whether it did.
func (m *headerMemory) keep(h http.Header, fields []headerField, plain func(string) bool, own *credentials, version uint64) bool {
	next := headerMemory{fields: fields, size: sizeOf(fields), version: version}
	if len(fields) != len(h) || len(fields) > maxMemoryFields {
		return false
	}
	for i := range fields {
		f := &fields[i]
		values := h[f.name]
		switch {
		case len(values) != 1 || len(f.value) > maxMemoryValue:
			return false
		case !plain(f.name):
			if own != nil && !own.has(values[0]) {
				return false
			}
			next.hidden |= 1 << i
		case values[0] != f.value || strings.ContainsAny(f.value, `%\`):
			return false // it was changed, or what it says when it is decoded may have to be
		}
	}
	*m = next
	return true
}

// has reports whether a header's value is one of the credentials, with or without a scheme.
func (creds *credentials) has(value string) bool {
	return creds.value != "" && strings.HasSuffix(value, creds.value) || value == creds.token
}

// sizeOf returns how many bytes the journal counts for fields.
func sizeOf(fields []headerField) int {
	size := fieldOverhead * len(fields)
	for i := range fields {
		size += len(fields[i].name) + len(fields[i].value)
	}
	return size
}

// shared returns fields that entries of the journal can share, in memory of their own.
func shared(fields []headerField) []headerField { return slices.Clip(slices.Clone(fields)) }
