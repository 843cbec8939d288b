package httpbody

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// This file reads texts that are not in UTF-8.

// CharsetError is a charset that is not read.
type CharsetError struct{ Charset string }

func (e *CharsetError) Error() string { return "the body is in the charset " + e.Charset }

// UTF8 returns a text in UTF-8, without a byte order mark. The charset is the one that the
// mark says, or else the Content-Type; none means UTF-8. It reads UTF-8, UTF-16, UTF-32,
// ISO 8859-1 and -15, and Windows-1252. A text in another charset is the error, a
// [*CharsetError], unless it has ASCII characters alone.
func UTF8(contentType string, text []byte) ([]byte, error) {
	if marked := byteOrderMark(text); marked != nil {
		return marked(text), nil
	}
	label := charsetOf(contentType)
	if label == "" || strings.EqualFold(label, "utf-8") || strings.EqualFold(label, "utf8") {
		return text, nil
	}
	switch label = strings.ToLower(label); label {
	case "iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "latin-1", "l1":
		return singleBytes(text, nil), nil
	case "iso-8859-15", "iso8859-15", "iso_8859-15", "latin-9", "latin9":
		return singleBytes(text, latin9), nil
	case "windows-1252", "cp1252", "cp-1252", "x-cp1252":
		return singleBytes(text, windows1252), nil
	case "utf-16", "utf16":
		return utf16Text(text, utf16Order(text)), nil
	case "utf-16le":
		return utf16Text(text, binary.LittleEndian), nil
	case "utf-16be":
		return utf16Text(text, binary.BigEndian), nil
	case "utf-32", "utf-32be":
		return utf32Text(text, binary.BigEndian), nil
	case "utf-32le":
		return utf32Text(text, binary.LittleEndian), nil
	case "us-ascii", "ascii": // what is more than that is UTF-8 with a wrong name
		if utf8.Valid(text) {
			return text, nil
		}
	}
	if isASCII(text) && label != "utf-7" && label != "hz-gb-2312" {
		return text, nil
	}
	return nil, &CharsetError{label}
}

// charsetOf returns the charset parameter of a Content-Type. It takes what mime does not:
// the header of an error may be anything.
func charsetOf(contentType string) string {
	_, params, more := strings.Cut(contentType, ";")
	for more {
		var param string
		param, params, more = strings.Cut(params, ";")
		if name, value, ok := strings.Cut(param, "="); ok && strings.EqualFold(strings.TrimSpace(name), "charset") {
			return strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
	return ""
}

// byteOrderMark returns the function that reads a text with such a mark; nil if it has none.
func byteOrderMark(text []byte) func([]byte) []byte {
	switch {
	case len(text) < 2:
	case bytes.HasPrefix(text, []byte("\xef\xbb\xbf")):
		return func(b []byte) []byte { return b[3:] }
	case bytes.HasPrefix(text, []byte("\xff\xfe\x00\x00")):
		return func(b []byte) []byte { return utf32Text(b[4:], binary.LittleEndian) }
	case bytes.HasPrefix(text, []byte("\x00\x00\xfe\xff")):
		return func(b []byte) []byte { return utf32Text(b[4:], binary.BigEndian) }
	case bytes.HasPrefix(text, []byte("\xff\xfe")):
		return func(b []byte) []byte { return utf16Text(b[2:], binary.LittleEndian) }
	case bytes.HasPrefix(text, []byte("\xfe\xff")):
		return func(b []byte) []byte { return utf16Text(b[2:], binary.BigEndian) }
	}
	return nil
}

// isASCII reports whether a text is the same in ASCII and in the charsets that contain it:
// an escape may lead out of it.
func isASCII(text []byte) bool {
	for _, c := range text {
		if c >= utf8.RuneSelf || c == 0x1b {
			return false
		}
	}
	return true
}

// singleBytes reads a charset with one byte a character. What differs from ISO 8859-1 is in
// other.
func singleBytes(text []byte, other func(byte) rune) []byte {
	out := make([]byte, 0, len(text)+len(text)/8)
	for _, c := range text {
		r := rune(c)
		if c >= utf8.RuneSelf && other != nil {
			if of := other(c); of != 0 {
				r = of
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return out
}

// windows1252 is the encoding of the WHATWG, index windows-1252, from 0x80 to 0x9F; the five
// bytes without a character stay control characters.
func windows1252(c byte) rune {
	if c > 0x9f {
		return 0
	}
	return []rune("€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ")[c-0x80]
}

// latin9 is what ISO 8859-15 changes.
func latin9(c byte) rune {
	switch c {
	case 0xa4:
		return '€'
	case 0xa6:
		return 'Š'
	case 0xa8:
		return 'š'
	case 0xb4:
		return 'Ž'
	case 0xb8:
		return 'ž'
	case 0xbc:
		return 'Œ'
	case 0xbd:
		return 'œ'
	case 0xbe:
		return 'Ÿ'
	}
	return 0
}

// utf16Order guesses the order of a text without a mark: the first character of JSON and of
// markup is ASCII. RFC 2781, section 4.3, says big-endian otherwise.
func utf16Order(text []byte) binary.ByteOrder {
	if len(text) > 1 && text[0] != 0 && text[1] == 0 {
		return binary.LittleEndian
	}
	return binary.BigEndian
}

func utf16Text(text []byte, order binary.ByteOrder) []byte {
	units := make([]uint16, 0, len(text)/2)
	for ; len(text) > 1; text = text[2:] {
		units = append(units, order.Uint16(text))
	}
	out := make([]byte, 0, len(units))
	for _, r := range utf16.Decode(units) {
		out = utf8.AppendRune(out, r)
	}
	if len(text) > 0 {
		out = utf8.AppendRune(out, utf8.RuneError) // half a character
	}
	return out
}

func utf32Text(text []byte, order binary.ByteOrder) []byte {
	out := make([]byte, 0, len(text)/4)
	for ; len(text) > 3; text = text[4:] {
		out = utf8.AppendRune(out, rune(min(order.Uint32(text), utf8.MaxRune+1)))
	}
	if len(text) > 0 {
		out = utf8.AppendRune(out, utf8.RuneError)
	}
	return out
}
