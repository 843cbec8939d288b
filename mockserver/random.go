package mockserver

import (
	crand "crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"sync"
)

// random is the server's source of randomness: from WithSeed, or from the
// machine. A seed makes every issued value the same in every run, which is
// acceptable for keys that protect nothing.
type random struct {
	mu  sync.Mutex
	src *rand.ChaCha8
}

func newRandom(seed uint64, seeded bool) *random {
	var s [32]byte
	if seeded {
		binary.LittleEndian.PutUint64(s[:], seed)
	} else {
		_, _ = crand.Read(s[:]) // never fails since Go 1.24
	}
	return &random{src: rand.NewChaCha8(s)}
}

func (rnd *random) fill(b []byte) {
	rnd.mu.Lock()
	_, _ = rnd.src.Read(b) // ChaCha8 has no error
	rnd.mu.Unlock()
}

// text returns n random bytes in base64.
func (rnd *random) text(n int) string {
	b := make([]byte, n)
	rnd.fill(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// hex returns n random bytes in hexadecimal digits.
func (rnd *random) hex(n int) string {
	b := make([]byte, n)
	rnd.fill(b)
	return hex.EncodeToString(b)
}
