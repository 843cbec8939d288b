package imkit

import (
	"net/http"
	"unicode"
	"unicode/utf8"
)

// The bounds of one application's state, so that a client cannot exhaust the
// memory. The vendor documents none of them.
const (
	maxRequest      = 1 << 20  // bytes of a request body
	maxStateBytes   = 64 << 20 // bytes of users, rooms, groups, blocks and settings
	maxMessageBytes = 64 << 20 // bytes of messages; the oldest are dropped
	maxMessages     = 100_000  // the oldest are dropped
	maxPending      = 10_000   // queued messages of batches
	maxID           = 256      // bytes of an ID
	maxToken        = 4096     // bytes of an assigned token
	maxMembers      = 5_000    // members of a room or group
	recordOverhead  = 512      // estimated size of a record without its strings
)

// reserve accounts for n more bytes of state. A negative n releases bytes and
// never fails.
func (a *app) reserve(n int) error {
	if n > 0 && a.used+n > maxStateBytes {
		return refused(http.StatusInsufficientStorage, "Insufficient Storage", "MOCK_STATE_FULL",
			"this mock keeps at most 64 MiB of users, rooms, groups, blocks and settings")
	}
	a.used += n
	return nil
}

// validID reports whether an ID is valid: 1 to 256 bytes of text without
// control characters.
func validID(id string) bool {
	if id == "" || len(id) > maxID || !utf8.ValidString(id) {
		return false
	}
	for _, r := range id {
		if unicode.IsControl(r) {
			return false
		}
	}
	return true
}

// sizeOf estimates the size of a record with the given strings.
func sizeOf(texts ...string) int {
	n := recordOverhead
	for _, s := range texts {
		n += len(s)
	}
	return n
}
