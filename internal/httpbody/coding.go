package httpbody

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"slices"
	"strings"
)

// This file undoes content codings (RFC 9110, section 8.4.1). net/http undoes gzip only if
// it asked for it itself, and removes the header then; a caller who sets Accept-Encoding, or
// a server that compresses unasked, leaves it to us.

// CodingError is a content coding that is not undone.
type CodingError struct{ Coding string }

func (e *CodingError) Error() string { return "the body has the content coding " + e.Coding }

// maxCodings is how many codings of one body are undone.
const maxCodings = 3

// codings returns the codings that a body was given, in their order; the error is a
// [*CodingError] if one of them is unknown.
func codings(h http.Header) ([]string, error) {
	var list []string
	for _, line := range h["Content-Encoding"] {
		for name := range strings.SplitSeq(line, ",") {
			switch name = strings.ToLower(strings.TrimSpace(name)); name {
			case "", "identity":
				continue
			case "gzip", "x-gzip", "deflate":
				list = append(list, name)
			default:
				return nil, &CodingError{name}
			}
		}
	}
	if len(list) > maxCodings {
		return nil, &CodingError{strings.Join(list[:maxCodings], ", ") + " and more"}
	}
	return list, nil
}

// Uncompress lets a response's body be read without its content codings, and changes the
// response as net/http does when it undoes one: the header is gone and the length unknown.
// What is read is bounded by whoever reads. A coding that is not known stays, and is the
// error, a [*CodingError].
func Uncompress(resp *http.Response) error {
	list, err := codings(resp.Header)
	if err != nil || len(list) == 0 || resp.Body == nil || resp.Body == http.NoBody {
		return err
	}
	var content io.Reader = resp.Body
	for _, coding := range slices.Backward(list) {
		content = &uncoder{coded: bufio.NewReader(content), coding: coding}
	}
	resp.Body = &uncompressed{Reader: content, Closer: resp.Body}
	resp.Header = resp.Header.Clone()
	resp.Header.Del("Content-Encoding")
	resp.Header.Del("Content-Length")
	resp.ContentLength, resp.Uncompressed = -1, true
	return nil
}

type uncompressed struct {
	io.Reader
	io.Closer
}

// Uncompressed returns the first limit bytes of a text without its content codings; the text
// may be cut off. Text that is not what its header says is returned as it is. ok is false if
// a coding is not known.
func Uncompressed(h http.Header, text string, limit int) (content string, ok bool) {
	list, err := codings(h)
	if err != nil {
		return "", false
	}
	for _, coding := range slices.Backward(list) {
		coded := &uncoder{coded: bufio.NewReader(strings.NewReader(text)), coding: coding}
		if content := readText(coded, limit); content != "" || !coded.failed {
			text = content
		}
	}
	return text, true
}

// uncoder undoes one coding. It looks at the text when it is first read, so that to have one
// blocks nobody.
type uncoder struct {
	coded  *bufio.Reader
	coding string
	plain  io.Reader // nil before the first read
	failed bool      // what is read is not what the coding says
}

func (u *uncoder) Read(p []byte) (n int, err error) {
	if u.plain == nil {
		if u.plain, err = u.open(); err != nil {
			u.failed = true
			return 0, err
		}
	}
	n, err = u.plain.Read(p)
	u.failed = u.failed || err != nil && err != io.EOF //nolint:errorlint // readers of this kind return it as it is
	return n, err
}

// open returns the reader of the plain text. A text without the beginning that its coding
// gives it has no coding. Of deflate there are two forms: the one that the RFC means, and
// the one without the zlib header that some servers send.
func (u *uncoder) open() (io.Reader, error) {
	head, err := u.coded.Peek(2)
	if len(head) < 2 {
		if err == io.EOF {
			return u.coded, nil
		}
		return nil, err
	}
	switch {
	case u.coding == "deflate" && head[0]&0x0f == 8 && (uint(head[0])<<8|uint(head[1]))%31 == 0: // RFC 1950, section 2.2
		return zlib.NewReader(u.coded)
	case u.coding == "deflate":
		return flate.NewReader(u.coded), nil
	case head[0] == 0x1f && head[1] == 0x8b: // RFC 1952, section 2.3.1
		return gzip.NewReader(u.coded)
	}
	return u.coded, nil
}
