package problem

import (
	"bytes"
	"encoding/xml"
	"html"
	"io"
	"regexp"
	"strings"
)

// This file reads bodies that are not JSON.

var (
	htmlTitle = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
	htmlTag   = regexp.MustCompile(`(?s)<[^>]*>`)
)

// How much of a text and of markup is looked at; a message is far shorter, and the title
// stands near the beginning.
const maxPlainText, maxHTML = 4 << 10, 64 << 10

// ofText returns what a body says that is neither JSON nor the XML of an error.
func ofText(body []byte) Problem {
	body = body[:min(len(body), maxHTML)]
	if m := htmlTitle.FindSubmatch(body); m != nil {
		return Problem{Message: html.UnescapeString(string(bytes.TrimSpace(m[1])))}
	}
	if bytes.HasPrefix(body, []byte("<")) {
		return Problem{Text: html.UnescapeString(strings.TrimSpace(htmlTag.ReplaceAllString(string(body), " ")))}
	}
	return Problem{Text: string(body[:min(len(body), maxPlainText)])}
}

// maxElements is how many elements of XML are looked at.
const maxElements = 64

// ofXML reads an error of AWS, a SOAP fault or the XML form of RFC 9457: the first elements
// with these names, wherever they stand. ok is false if there is none, and for HTML.
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
			if elements++; elements == 1 && (open == "html" || open == "head" || open == "body" || open == "title") {
				return Problem{}, false
			}
		case xml.EndElement:
			open = ""
		case xml.CharData:
			p.takeElement(open, strings.TrimSpace(string(t)))
		}
	}
	return p, p.Code != "" || p.Message != ""
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
