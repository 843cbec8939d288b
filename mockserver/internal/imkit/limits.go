package imkit

import (
	"net/http"
	"unicode"
	"unicode/utf8"
)

// Bounds of what one application keeps, so that a client that never ends does
// not fill the machine. The vendor documents none of them.
const (
	maxRequest      = 1 << 20  // bytes of a request body
	maxState        = 64 << 20 // bytes of users, rooms, groups, blocks and settings
	maxMessageBytes = 64 << 20 // bytes of messages; the oldest go first
	maxMessages     = 100_000  // the oldest go first
	maxPending      = 10_000   // recipients of batches that wait
	maxID           = 256      // bytes of an ID
	maxToken        = 4096     // bytes of an assigned token
	maxMembers      = 5_000    // of a room or a group
	overhead        = 512      // rough size of a record without its strings
)

// grow accounts for n more bytes of state, or fewer when n is negative.
func (a *app) grow(n int) error {
	if n > 0 && a.used+n > maxState {
		return refused(http.StatusInsufficientStorage, "Insufficient Storage", "MOCK_STATE_FULL",
			"this mock keeps at most 64 MiB of users, rooms, groups, blocks and settings")
	}
	a.used += n
	return nil
}

// validID reports whether an ID can be one: text of 1 to 256 bytes.
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

// sizeOf adds up strings.
func sizeOf(texts ...string) int {
	n := overhead
	for _, s := range texts {
		n += len(s)
	}
	return n
}
