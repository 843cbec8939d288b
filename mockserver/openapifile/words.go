package openapifile

import (
	"fmt"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// inWords says what a schema allows. It never quotes the value, which may hold a secret.
func inWords(err *openapi3.SchemaError) string {
	s := err.Schema
	if s == nil {
		s = &openapi3.Schema{}
	}
	switch field := err.SchemaField; field {
	case "type":
		if s.Type != nil {
			return "it is of type " + strings.Join(s.Type.Slice(), " or ")
		}
	case "enum":
		return "it is one of " + few(s.Enum)
	case "const":
		return "it is " + few([]any{s.Const})
	case "required":
		return "it lacks a required member; required are " + oneLine(strings.Join(s.Required, ", "))
	case "minimum", "exclusiveMinimum":
		if s.Min != nil {
			return fmt.Sprintf("it is at least %v", *s.Min)
		}
	case "maximum", "exclusiveMaximum":
		if s.Max != nil {
			return fmt.Sprintf("it is at most %v", *s.Max)
		}
	case "minLength":
		return fmt.Sprintf("it has at least %d characters", s.MinLength)
	case "maxLength":
		if s.MaxLength != nil {
			return fmt.Sprintf("it has at most %d characters", *s.MaxLength)
		}
	case "minItems":
		return fmt.Sprintf("it has at least %d elements", s.MinItems)
	case "maxItems":
		if s.MaxItems != nil {
			return fmt.Sprintf("it has at most %d elements", *s.MaxItems)
		}
	case "pattern":
		return "it has the pattern " + quoted(s.Pattern)
	case "format":
		return "it has the format " + quoted(s.Format)
	case "properties", "additionalProperties":
		return "it has a member that does not exist, or one that may not be sent"
	case "nullable":
		return "it is not null"
	}
	return "it does not fit " + quoted(err.SchemaField) + " of its schema"
}

// few lists some allowed values.
func few(values []any) string {
	var out []string
	for _, v := range values[:min(len(values), 20)] {
		out = append(out, string(toJSON(v)))
	}
	if len(values) > 20 {
		out = append(out, "…")
	}
	return oneLine(strings.Join(out, ", "))
}
