package problem

import (
	"bytes"
	"encoding/xml"
	"html"
	"io"
	"strings"
)

// This file reads bodies that are not JSON.

// How much of a text and of markup is looked at; a message is far shorter, and the title
// stands near the beginning.
const maxPlainText, maxHTML = 4 << 10, 64 << 10

// ofText returns what a body says that is neither JSON nor the XML of an error.
func ofText(body []byte) Problem {
	body = body[:min(len(body), maxHTML)]
	if title, ok := titleOf(body); ok {
		return Problem{Message: html.UnescapeString(string(bytes.TrimSpace(title)))}
	}
	if bytes.HasPrefix(body, []byte("<")) {
		return Problem{Text: html.UnescapeString(strings.TrimSpace(withoutTags(body)))}
	}
	return Problem{Text: string(body[:min(len(body), maxPlainText)])}
}

// withoutTags returns a text with a space in place of each tag.
func withoutTags(body []byte) string {
	var text strings.Builder
	for {
		before, rest, opened := bytes.Cut(body, []byte("<"))
		_, after, closed := bytes.Cut(rest, []byte(">"))
		if !opened || !closed {
			text.Write(body)
			return text.String()
		}
		text.Write(before)
		text.WriteByte(' ')
		body = after
	}
}

// titleOf returns the title of an HTML page.
func titleOf(body []byte) (title []byte, ok bool) {
	_, inside, ok := cutFold(body, "<title")
	_, inside, closed := bytes.Cut(inside, []byte(">"))
	title, _, ended := cutFold(inside, "</title>")
	return title, ok && closed && ended
}

// cutFold is [bytes.Cut] at a tag in capitals or not.
func cutFold(text []byte, tag string) (before, after []byte, found bool) {
	for at := 0; at+len(tag) <= len(text); at++ {
		next := bytes.IndexByte(text[at:], tag[0])
		if at += next; next < 0 || at+len(tag) > len(text) {
			break
		}
		if end := at + len(tag); strings.EqualFold(string(text[at:end]), tag) {
			return text[:at], text[end:], true
		}
	}
	return text, nil, false
}

// maxElements is how many elements of XML are looked at.
const maxElements = 64

// ofXML reads an error of AWS or a SOAP fault: the first elements
// with these names, wherever they stand. ok is false without a code: a record may have a
// message too.
func ofXML(body []byte) (p Problem, ok bool) {
	dec := xml.NewDecoder(bytes.NewReader(body[:min(len(body), maxHTML)]))
	dec.Strict = false
	dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // it is UTF-8 by now
	var open string
	for elements := 0; elements < maxElements; {
		token, err := dec.Token()
		if err != nil {
			break
		}
		switch t := token.(type) {
		case xml.StartElement:
			open = strings.ToLower(t.Name.Local)
			elements++
			if elements == 1 && (open == "html" || open == "head" || open == "body" || open == "title") {
				return Problem{}, false
			}
		case xml.EndElement:
			open = ""
		case xml.CharData:
			p.takeElement(open, strings.TrimSpace(string(t)))
		}
	}
	return p, p.Code != ""
}

// takeElement takes the text of an element; the first of its kind counts.
func (p *Problem) takeElement(name, text string) {
	var field *string
	switch name {
	case "code", "errorcode", "faultcode":
		field = &p.Code
	case "message", "errormessage", "faultstring", "detail":
		field = &p.Message
	case "requestid", "request_id":
		field = &p.RequestID
	default:
		return
	}
	if *field == "" {
		*field = text
	}
}
