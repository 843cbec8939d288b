package mockserver

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
)

// template is a text with names in braces. Nothing of it runs: a name stands for a
// value that the mock has, and there is no other construct. So a template reaches no
// file, network or environment, and costs what its length says.
type template []piece

// piece is text, or a name if name is set.
type piece struct{ text, name string }

const (
	maxTemplate      = 1 << 20 // bytes
	maxTemplateNames = 1000    // names in one template
	maxTemplateValue = 1 << 10 // bytes of one value
)

// parseTemplate takes a template apart. A name begins with a letter and has letters,
// digits, ".", "-" and "_"; anything else in braces is text. known reports whether there is a
// value of a name; near are names to propose.
func parseTemplate(text string, known func(string) bool, near []string) (template, error) {
	if len(text) > maxTemplate {
		return nil, fmt.Errorf("it has %d bytes, and at most %d are allowed", len(text), maxTemplate)
	}
	var out template
	names, from := 0, 0
	for i := 0; i < len(text); i++ {
		if text[i] != '{' {
			continue
		}
		end := i + 1
		for end < len(text) && nameChar(text[end]) {
			end++
		}
		if end == len(text) || text[end] != '}' || end == i+1 || !letter(text[i+1]) {
			continue
		}
		name := text[i+1 : end]
		if !known(name) {
			return nil, fmt.Errorf("there is no value {%.60s}; there are {%s}%s", name, strings.Join(near, "}, {"), meant(name, near))
		}
		names++
		if names > maxTemplateNames {
			return nil, fmt.Errorf("it has more than %d values", maxTemplateNames)
		}
		out = append(out, piece{text: text[from:i]}, piece{name: name})
		from, i = end+1, end
	}
	return append(out, piece{text: text[from:]}), nil
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func nameChar(c byte) bool {
	return letter(c) || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_'
}

// meant is a proposal for a misspelt name, "" without one.
func meant(name string, known []string) string {
	if near := nearestName(name, known); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// names lists the names of a template.
func (tp template) names() []string {
	var out []string
	for _, p := range tp {
		if p.name != "" && !slices.Contains(out, p.name) {
			out = append(out, p.name)
		}
	}
	return out
}

// render writes the template with values, escaped for the content type.
func (tp template) render(contentType string, value func(name string) string) string {
	var b strings.Builder
	for _, p := range tp {
		b.WriteString(p.text)
		if p.name != "" {
			v := value(p.name)
			b.WriteString(escapeFor(contentType, v[:min(len(v), maxTemplateValue)]))
		}
	}
	return b.String()
}

// escapeFor writes a value so that it cannot end the text that it stands in.
func escapeFor(contentType, value string) string {
	kind, _, _ := strings.Cut(contentType, ";")
	switch kind = strings.ToLower(strings.TrimSpace(kind)); {
	case strings.HasSuffix(kind, "json"):
		data, err := json.Marshal(value)
		if err != nil {
			return "" // a string always encodes
		}
		return string(data[1 : len(data)-1])
	case strings.HasSuffix(kind, "xml"), kind == "text/html":
		var b strings.Builder
		_ = xml.EscapeText(&b, []byte(value)) // a Builder has no error
		return b.String()
	}
	return value
}
