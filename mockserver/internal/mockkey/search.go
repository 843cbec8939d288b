package mockkey

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
)

// Shapes are the shapes of all credentials that a server makes.
type Shapes []Shape

// Find returns where in text a credential stands that a mock made, of one of the
// shapes (without its padding) or a JWT; from == to if there is none.
//
// A character costs the same few steps for each shape, whatever stands around it
// and however long a credential is: see [window].
func (all Shapes) Find(text string) (from, to int) {
	for i := range all {
		if s := &all[i]; !s.IsZero() {
			if at := s.find(text); at >= 0 {
				return at, at + s.size
			}
		}
	}
	return findJWT(text)
}

// maxPart is how much of a row of characters is decoded at once.
const maxPart = 4 * maxSize

// find returns where in text a credential of this shape begins, or -1.
func (s *Shape) find(text string) int {
	if s.written != nil {
		return s.written.find(s, text)
	}
	for from, to := nextRow(s.encoding, text, 0, s.size); from < to; from, to = nextRow(s.encoding, text, to, s.size) {
		for ; to-from >= s.size; from += maxPart - s.size + 1 {
			part := text[from:min(to, from+maxPart)]
			if !inPart(s.window, s.encoding, part) {
				continue
			}
			for at := 0; at+s.size <= len(part); at++ {
				if s.made(part[at : at+s.size]) {
					return from + at
				}
			}
		}
	}
	return -1
}

// nextRow returns the first size or more characters of the alphabet in a row at or
// behind i, as long as they go on; nothing if there are none.
func nextRow[T string | []byte](e encoding, text T, i, size int) (from, to int) {
	for from = i; from+size <= len(text); {
		last := from + size - 1
		for last >= from && e.has(text[last]) {
			last--
		}
		if last >= from {
			from = last + 1 // no row of this size has text[last] in it
			continue
		}
		for to = from + size; to < len(text) && e.has(text[to]); {
			to++
		}
		return from, to
	}
	return 0, 0
}

// inPart reports whether a body with its checksum stands in a part of a row, which
// has at most maxPart characters. By accident, one place in four thousand million
// looks like that.
func inPart[T string | []byte](w *window, e encoding, part T) bool {
	var buf [maxPart]byte
	for offset := range e.group() { // a credential begins at one of them, or whole groups behind it
		n := copy(buf[:], part[min(offset, len(part)):])
		raw := e.decodeRow(buf[:n])
		if e != base64Twice {
			if w.over(raw) {
				return true
			}
			continue
		}
		size := base64.RawStdEncoding.EncodedLen(w.bytes + checksum)
		for from, to := nextRow(base64Std, raw, 0, size); from < to; from, to = nextRow(base64Std, raw, to, size) {
			if inPart(w, base64Std, raw[from:to]) {
				return true
			}
		}
	}
	return false
}

// window follows a checksum over a text: it takes in a byte, and lets go of the one
// that it took in so many bytes before. Such a checksum is linear, so what a byte
// has become in the meantime does not depend on the others and stands in a table.
type window struct {
	bytes int         // that the checksum is of
	out   [256]uint32 // what a byte has become when it leaves
	tag   uint32      // what the beginning of the checksum has become
}

func newWindow(tag uint32, n int) *window {
	w := &window{bytes: n, tag: pass(^tag, n)}
	for b := 1; b < len(w.out); b++ {
		if rest := b & (b - 1); rest != 0 {
			w.out[b] = w.out[rest] ^ w.out[b^rest]
			continue
		}
		w.out[b] = pass(step(0, byte(b)), n)
	}
	return w
}

// over reports whether anywhere in raw a body is followed by its checksum.
func (w *window) over(raw []byte) bool {
	if len(raw) < w.bytes+checksum {
		return false
	}
	var crc uint32
	for _, b := range raw[:w.bytes] {
		crc = step(crc, b)
	}
	for at := w.bytes; ; at++ {
		if ^(crc ^ w.tag) == binary.BigEndian.Uint32(raw[at:]) {
			return true
		}
		if at+checksum >= len(raw) {
			return false
		}
		crc = step(crc, raw[at]) ^ w.out[raw[at-w.bytes]]
	}
}

// step takes a byte into a checksum. It is written out because the library's makes
// its argument escape to the heap.
func step(crc uint32, b byte) uint32 { return crc32.IEEETable[byte(crc&0xff)^b] ^ crc>>8 }

// pass takes n zeros into a checksum.
func pass(crc uint32, n int) uint32 {
	for range n {
		crc = step(crc, 0)
	}
	return crc
}

// group is the number of characters that encode whole bytes.
func (e encoding) group() int {
	switch e {
	case hexadecimal:
		return 2
	case base32Lower:
		return 8
	case base64URL, base64Twice, base64Std:
	}
	return 4
}

// decodeRow decodes in place characters of the alphabet, as many as make whole
// bytes; of base64Twice the outer layer.
func (e encoding) decodeRow(src []byte) []byte {
	var n int
	switch e {
	case hexadecimal:
		n, _ = hex.Decode(src, src[:len(src)&^1]) // none of them has an error: all are in the alphabet
	case base32Lower:
		n, _ = decodeBase32(src)
	case base64URL:
		n, _ = base64.RawURLEncoding.Decode(src, wholeBase64(src))
	case base64Twice, base64Std:
		n, _ = base64.RawStdEncoding.Decode(src, wholeBase64(src))
	}
	return src[:n]
}

// wholeBase64 leaves out a last character that makes no byte.
func wholeBase64(src []byte) []byte {
	if len(src)%4 == 1 {
		return src[:len(src)-1]
	}
	return src
}

// has reports whether c is in the encoding's alphabet, of any variant of it.
func (e encoding) has(c byte) bool {
	digit, lower, upper := c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z'
	switch e {
	case hexadecimal:
		return digit || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
	case base32Lower:
		return lower || c >= '2' && c <= '7'
	case base64Twice, base64Std:
		return digit || lower || upper || c == '+' || c == '/'
	case base64URL:
	}
	return digit || lower || upper || c == '-' || c == '_'
}
