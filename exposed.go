package keyfit

import (
	"sync"

	"github.com/keyfit/keyfit/internal/exposure"
	"github.com/keyfit/keyfit/internal/keyring"
)

// exposedFiles reports, once for each file, that others can read a file with a key. It exists
// only if somebody listens to the events of the ring.
type exposedFiles struct {
	mu   sync.Mutex
	seen map[string]bool
}

// maxExposed bounds the files that are remembered: a source reads one or two.
const maxExposed = 64

// firstTime reports whether a file has not been looked at.
func (e *exposedFiles) firstTime(file string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.seen[file] || len(e.seen) >= maxExposed {
		return false
	}
	e.seen[file] = true
	return true
}

// reportExposed reports the files of a credential that others can read, if the ring has not
// reported them. It costs a few system calls for a file, and is called for new keys only.
func (ring *Keyring) reportExposed(cred Credential) {
	if ring.exposed == nil {
		return
	}
	for _, file := range cred.from.files {
		for _, why := range exposure.Of(file) {
			if ring.exposed.firstTime(why) {
				ring.engine.Report(keyring.Event{Kind: keyring.KeyExposed, Fingerprint: cred.Fingerprint(), Reason: why})
			}
		}
	}
}
