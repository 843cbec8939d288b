package imkit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// idSource generates IDs in the form of MongoDB's ObjectID: seconds, five bytes of
// the process, a counter; 24 hexadecimal digits. With a seed and a frozen clock
// they are repeatable.
type idSource struct {
	process [5]byte
	n       uint32
}

func newIDs(seed uint64) idSource {
	sum := sha256.Sum256(fmt.Appendf(nil, "imkit/%d", seed))
	return idSource{process: [5]byte(sum[:5])}
}

func (s *idSource) next(now time.Time) string {
	s.n++
	return fmt.Sprintf("%08x%x%06x", uint32(now.Unix()), s.process, s.n&0xffffff) //nolint:gosec // an ObjectID holds 32 bits of seconds
}

// batch returns the ID of a batch, such as "batch-20260410-abc123".
func (s *idSource) batch(now time.Time) string {
	s.n++
	return fmt.Sprintf("batch-%s-%06x", now.UTC().Format("20060102"), s.n&0xffffff)
}

// directID returns the ID of a direct room that the vendor creates implicitly: 32
// hexadecimal digits (page "Block a User").
func directID(a, b string) string {
	if a > b {
		a, b = b, a
	}
	sum := sha256.Sum256([]byte("direct\x00" + a + "\x00" + b))
	return hex.EncodeToString(sum[:16])
}
