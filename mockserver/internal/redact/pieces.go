package redact

import (
	"bytes"
	"math/bits"
	"strings"
)

// pieceIndex finds in a text whatever it has in common with a credential of the
// request, from minPiece characters on. It holds every substring of that length
// of every credential, so one look at each place of a text finds them all. The
// zero pieceIndex is empty.
type pieceIndex struct {
	text  []byte   // the credentials, one behind the other
	table []uint32 // open addressing; where a substring begins in text, plus one; 0 is empty
	used  int
	full  bool // more text than anybody sends

	waiting []extent // credentials in text that are not in the table yet
}

// extent is a part of pieceIndex.text.
type extent struct{ from, to int }

// fewPieces is up to how many places of a text are looked at without the table:
// most requests have no longer text, and making the table takes longer.
const fewPieces = 8

func (p *pieceIndex) reset() {
	clear(p.text)
	if p.text = p.text[:0]; p.used > 0 {
		clear(p.table)
	}
	p.used, p.full, p.waiting = 0, false, p.waiting[:0]
}

// add indexes a credential.
func (p *pieceIndex) add(credential string) {
	if len(p.text)+len(credential) > maxIndex {
		p.full = true
		return
	}
	from := len(p.text)
	p.text = append(p.text, credential...)
	p.waiting = append(p.waiting, extent{from, len(p.text)})
}

// build puts the waiting credentials into the table.
func (p *pieceIndex) build() {
	for _, s := range p.waiting {
		if n := s.to - s.from - minPiece + 1; n > 0 {
			p.reserve(p.used + n)
		}
		for at := s.from; at+minPiece <= s.to; at++ {
			p.insert(at)
		}
	}
	p.waiting = p.waiting[:0]
}

// waits reports whether s has minPiece characters in common with a credential that
// is not in the table.
func (p *pieceIndex) waits(s string) bool {
	for i := 0; i+minPiece <= len(s); i++ {
		for _, w := range p.waiting {
			if bytes.Contains(p.text[w.from:w.to], []byte(s[i:i+minPiece])) {
				return true
			}
		}
	}
	return false
}

// reserve makes the table at least twice as large as what is in it.
func (p *pieceIndex) reserve(n int) {
	const smallest = 128
	if 2*n <= len(p.table) {
		return
	}
	old := p.table
	p.table, p.used = make([]uint32, max(smallest, 1<<bits.Len(uint(4*n)))), 0
	for _, at := range old {
		if at != 0 {
			p.insert(int(at - 1))
		}
	}
}

func (p *pieceIndex) insert(at int) {
	if slot, found := p.find(string(p.text[at : at+minPiece])); !found {
		p.table[slot] = uint32(at + 1) //nolint:gosec // at is less than maxIndex
		p.used++
	}
}

// find returns the slot of a substring, or the empty one where it belongs.
func (p *pieceIndex) find(gram string) (slot uint64, found bool) {
	mask := uint64(len(p.table)) - 1
	for slot = hashPiece(gram) & mask; ; slot = (slot + 1) & mask {
		at := p.table[slot]
		if at == 0 {
			return slot, false
		}
		if string(p.text[at-1:at-1+minPiece]) == gram {
			return slot, true
		}
	}
}

// hashPiece hashes minPiece bytes.
func hashPiece(s string) uint64 {
	_ = s[minPiece-1]
	head := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
	tail := uint64(s[8]) | uint64(s[9])<<8 | uint64(s[10])<<16 | uint64(s[11])<<24
	hi, lo := bits.Mul64(head^0x9e3779b97f4a7c15, tail^0xbf58476d1ce4e5b9)
	return hi ^ lo
}

// hide hides every substring of s that has minPiece characters or more in common
// with a credential.
func (p *pieceIndex) hide(s string) string {
	if len(s) < minPiece {
		return s
	}
	if len(p.waiting) > 0 && (len(s)-minPiece >= fewPieces || p.used > 0 || p.waits(s)) {
		p.build()
	}
	if p.used == 0 {
		return s
	}
	var out strings.Builder
	kept, start, end := 0, -1, 0
	for i := 0; i+minPiece <= len(s); i++ {
		if _, found := p.find(s[i : i+minPiece]); !found {
			continue
		}
		if start < 0 || i > end { // a new substring
			if start >= 0 {
				out.WriteString(s[kept:start])
				out.WriteString(Mark)
				kept = end
			}
			start = i
		}
		end = i + minPiece
	}
	if start < 0 {
		return s
	}
	out.WriteString(s[kept:start])
	out.WriteString(Mark)
	out.WriteString(s[end:])
	return out.String()
}
