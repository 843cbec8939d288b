package keyfit

import (
	"net/http"
	"testing"
	"unsafe"

	"github.com/keyfit/keyfit/internal/redact"
)

// Above 512 bytes an allocation is one of the large ones, and a caller's stack grows by what the
// functions of a call reserve for redactors, which only a failed call makes. Whoever adds a field
// that few calls have puts it into typedCall or trouble.
func TestAFirstAttemptTakesLittleMemory(t *testing.T) {
	t.Parallel()
	for what, got := range map[string]struct{ bytes, most uintptr }{
		"a call with its first request": {unsafe.Sizeof(call{}) + unsafe.Sizeof(http.Request{}), 512},
		"a redactor":                    {unsafe.Sizeof(redact.Redactor{}), 16},
	} {
		if got.bytes > got.most {
			t.Errorf("%s takes %d bytes, and at most %d are wanted", what, got.bytes, got.most)
		}
	}
}
