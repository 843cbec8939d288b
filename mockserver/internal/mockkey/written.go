package mockkey

import (
	"fmt"
	"hash/crc32"
	"math"
	"strings"
)

// MaxSize is the longest credential of a shape, in characters.
const MaxSize = maxSize

// leastBits is the least randomness of a credential: fewer values would be found
// by guessing, and two keys might be the same.
const leastBits = 40

// written is a shape in an alphabet of its own: a prefix, random characters, and
// the checksum as the last characters, in the base of the alphabet.
type written struct {
	prefix   string
	alphabet string
	place    [256]uint8 // of a character in the alphabet, from 1; 0 is not in it
	body     int        // random characters
	digits   int        // of the checksum
}

// Digits returns how many characters of an alphabet of so many hold the checksum.
func Digits(alphabet int) int {
	return int(math.Ceil(8 * checksum / math.Log2(float64(max(2, alphabet)))))
}

// Written is prefix and n more characters of an alphabet. It fails if the alphabet
// has less than ten characters or one of them twice, or if n is so small that
// values could be guessed.
func Written(tag, prefix, alphabet string, n int) (Shape, error) {
	w := &written{prefix: prefix, alphabet: alphabet, digits: Digits(len(alphabet))}
	if len(alphabet) < 10 || len(alphabet) > 128 {
		return Shape{}, fmt.Errorf("an alphabet has from 10 to 128 characters, not %d", len(alphabet))
	}
	for i := range len(alphabet) {
		if w.place[alphabet[i]] != 0 {
			return Shape{}, fmt.Errorf("the alphabet has %q twice", alphabet[i])
		}
		w.place[alphabet[i]] = uint8(i + 1)
	}
	w.body = n - w.digits
	if least := w.digits + int(math.Ceil(leastBits/math.Log2(float64(len(alphabet))))); n < least {
		return Shape{}, fmt.Errorf("a length of %d is too short: with this alphabet it is %d or more", n, least)
	}
	if len(prefix)+n > maxSize {
		return Shape{}, fmt.Errorf("a key of %d characters is longer than %d", len(prefix)+n, maxSize)
	}
	s := Shape{tag: crc32.ChecksumIEEE([]byte("keyfit mock key/" + tag)), bytes: n, size: len(prefix) + n, written: w}
	s.window = newWindow(s.tag, w.body)
	return s, nil
}

// mint draws the characters without a bias.
func (w *written) mint(s *Shape, random func([]byte)) string {
	out := make([]byte, 0, s.size)
	out = append(out, w.prefix...)
	fair := byte(255 - 256%len(w.alphabet)) //nolint:gosec // below 256
	draw := make([]byte, w.body)
	for left := w.body; left > 0; {
		random(draw[:left])
		for _, b := range draw[:left] {
			if b <= fair {
				out = append(out, w.alphabet[int(b)%len(w.alphabet)])
				left--
			}
		}
	}
	sum := s.sum(out[len(w.prefix):])
	for range w.digits {
		out = append(out, w.alphabet[uint64(sum)%uint64(len(w.alphabet))])
		sum /= uint32(len(w.alphabet)) //nolint:gosec // short
	}
	return string(out)
}

// made is Shape.made: value has the right size.
func (w *written) made(s *Shape, value string) bool {
	rest, ok := strings.CutPrefix(value, w.prefix)
	if !ok {
		return false
	}
	crc := ^s.tag
	for i := range w.body {
		if w.place[rest[i]] == 0 {
			return false
		}
		crc = step(crc, rest[i])
	}
	return w.ends(rest[w.body:], ^crc)
}

// ends reports whether a text begins with the digits of a checksum.
func (w *written) ends(text string, sum uint32) bool {
	base := uint32(len(w.alphabet)) //nolint:gosec // short
	for i := range w.digits {
		if text[i] != w.alphabet[sum%base] {
			return false
		}
		sum /= base
	}
	return true
}

// find returns where in text a credential begins, or -1. It follows the checksum over the
// text, as [window] does, so a character costs the same however long a credential is.
func (w *written) find(s *Shape, text string) int {
	begin := len(w.prefix)
	if len(text) < s.size {
		return -1
	}
	var crc uint32
	for i := range w.body {
		crc = step(crc, text[begin+i])
	}
	for at := begin; ; at++ {
		if w.ends(text[at+w.body:], ^(crc^s.window.tag)) && w.made(s, text[at-begin:at-begin+s.size]) {
			return at - begin
		}
		if at-begin+s.size >= len(text) {
			return -1
		}
		crc = step(crc, text[at+w.body]) ^ s.window.out[text[at]]
	}
}
