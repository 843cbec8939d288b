package keyfit

import (
	"sync"

	"github.com/keyfit/keyfit/internal/exposure"
	"github.com/keyfit/keyfit/internal/keyring"
)

// exposedFiles remembers what was reported of files with keys that others can read. It exists
// only if somebody listens to the events of the ring.
type exposedFiles struct {
	mu       sync.Mutex
	reported map[string]bool
}

// maxExposed bounds what is remembered: a source reads one file or two.
const maxExposed = 64

// isNew reports whether a finding, which names the file, was not reported yet, and counts it as
// reported.
func (e *exposedFiles) isNew(finding string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.reported[finding] || len(e.reported) >= maxExposed {
		return false
	}
	e.reported[finding] = true
	return true
}

// reportExposed reports the files of a credential that others can read, if the ring has not
// reported them. It costs a few system calls for a file, and is called for new keys only.
func (ring *Keyring) reportExposed(cred Credential) {
	if ring.exposed == nil {
		return
	}
	for _, file := range cred.from.files {
		for _, finding := range exposure.Of(file) {
			if ring.exposed.isNew(finding) {
				ring.engine.Report(keyring.Event{Kind: keyring.KeyExposed, Fingerprint: cred.Fingerprint(), Reason: finding})
			}
		}
	}
}
