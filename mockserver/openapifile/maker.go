package openapifile

import (
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

const (
	maxValues = 5_000 // of one example
	maxNested = 12    // levels, after which what may be left out is
	maxTries  = 40    // checks of alternatives in one example
)

// maker makes an example of a schema. The same schema always gives the same example.
// A schema that stands in itself is cut where it comes again: a member that is not required is
// left out, a list is empty.
type maker struct {
	v31   bool
	left  int // values
	tries int
	open  []*openapi3.Schema // that are being made
}

func newMaker(v31 bool) *maker { return &maker{v31: v31, left: maxValues, tries: maxTries} }

// top is an example of a whole schema.
func (mk *maker) top(ref *openapi3.SchemaRef) any {
	v, _ := mk.make(ref, 0)
	return v
}

// make returns an example, and false if the schema has to be cut here.
func (mk *maker) make(ref *openapi3.SchemaRef, seed int) (any, bool) {
	if ref == nil || ref.Value == nil {
		return "Lorem Fitsum", true
	}
	s := ref.Value
	mk.left--
	if mk.left < 0 || len(mk.open) > maxNested && !simple(s) || count(mk.open, s) > 0 {
		return mk.cut(s), false
	}
	mk.open = append(mk.open, s)
	defer func() { mk.open = mk.open[:len(mk.open)-1] }()
	switch {
	case s.Const != nil:
		return s.Const, true
	case s.Example != nil:
		return s.Example, true
	case len(s.Examples) > 0:
		return s.Examples[0], true
	case len(s.Enum) > 0:
		return s.Enum[seed%len(s.Enum)], true
	case s.Default != nil:
		return s.Default, true
	}
	flat := flatten(s, 0)
	if branches := flat.branches; len(branches) > 0 {
		return mk.alternative(s, flat, seed)
	}
	return mk.plain(flat, seed)
}

func count(all []*openapi3.Schema, s *openapi3.Schema) (n int) {
	for _, o := range all {
		if o == s {
			n++
		}
	}
	return n
}

// simple reports whether a schema is of one value.
func simple(s *openapi3.Schema) bool {
	return len(s.Properties)+len(s.AllOf)+len(s.AnyOf)+len(s.OneOf) == 0 && s.Items == nil
}

// cut is the least value of a schema that is not made.
func (mk *maker) cut(s *openapi3.Schema) any {
	switch {
	case s.Nullable || s.Type != nil && s.Type.Includes("null"):
		return nil
	case s.Type != nil && s.Type.Includes("array"):
		return []any{}
	case s.Type != nil && s.Type.Includes("string"):
		return ""
	case s.Type != nil && (s.Type.Includes("integer") || s.Type.Includes("number")):
		return 0
	}
	return map[string]any{}
}

// flat is a schema with what its allOf adds.
type flat struct {
	openapi3.Schema

	branches openapi3.SchemaRefs // of oneOf or anyOf
}

// flatten merges allOf into one schema. Limits become the narrower ones.
func flatten(s *openapi3.Schema, depth int) *flat {
	out := &flat{Schema: *s, branches: slices.Concat(s.OneOf, s.AnyOf)}
	out.Properties, out.Required = maps.Clone(s.Properties), slices.Clone(s.Required)
	if out.Properties == nil {
		out.Properties = make(openapi3.Schemas)
	}
	if depth > maxNested {
		return out
	}
	for _, ref := range s.AllOf {
		if ref == nil || ref.Value == nil || ref.Value == s {
			continue
		}
		out.add(flatten(ref.Value, depth+1))
	}
	return out
}

// add narrows the schema by another. A part's example is not one of the whole.
func (f *flat) add(o *flat) {
	for name, p := range o.Properties {
		if have := f.Properties[name]; have != nil && have != p {
			p = &openapi3.SchemaRef{Value: &openapi3.Schema{AllOf: openapi3.SchemaRefs{have, p}}}
		}
		f.Properties[name] = p
	}
	f.Required = append(f.Required, o.Required...)
	f.branches = append(f.branches, o.branches...)
	if f.Type == nil {
		f.Type = o.Type
	}
	if f.Format == "" {
		f.Format = o.Format
	}
	if f.Pattern == "" {
		f.Pattern = o.Pattern
	}
	if f.Items == nil {
		f.Items = o.Items
	}
	if len(f.Enum) == 0 {
		f.Enum = o.Enum
	}
	if f.Const == nil {
		f.Const = o.Const
	}
	if f.MultipleOf == nil {
		f.MultipleOf = o.MultipleOf
	}
	f.narrow(o)
}

func (f *flat) narrow(o *flat) {
	if o.Min != nil && (f.Min == nil || *o.Min > *f.Min) {
		f.Min, f.ExclusiveMin = o.Min, o.ExclusiveMin
	}
	if o.Max != nil && (f.Max == nil || *o.Max < *f.Max) {
		f.Max, f.ExclusiveMax = o.Max, o.ExclusiveMax
	}
	f.MinLength, f.MinItems, f.MinProps = max(f.MinLength, o.MinLength), max(f.MinItems, o.MinItems), max(f.MinProps, o.MinProps)
	least := func(a, b *uint64) *uint64 {
		if a == nil || b != nil && *b < *a {
			return b
		}
		return a
	}
	f.MaxLength, f.MaxItems, f.MaxProps = least(f.MaxLength, o.MaxLength), least(f.MaxItems, o.MaxItems), least(f.MaxProps, o.MaxProps)
	f.UniqueItems = f.UniqueItems || o.UniqueItems
}

// alternative makes an example with the first branch of which the whole schema takes it.
func (mk *maker) alternative(s *openapi3.Schema, f *flat, seed int) (any, bool) {
	var first any
	whole, found := true, false
	for i := range f.branches {
		branch := f.branches[(i+seed)%len(f.branches)]
		if branch == nil || branch.Value == nil {
			continue
		}
		v, ok := mk.with(f, branch, seed)
		if !ok && i < len(f.branches)-1 {
			continue
		}
		if !found {
			first, whole, found = v, ok, true
		}
		mk.tries--
		if mk.tries < 0 || mk.takes(s, v) {
			return v, ok
		}
	}
	return first, whole && mk.tries < 0 // of none that fits the whole schema nothing is made, if it may be left out
}

// with makes an example of a schema and one of its branches.
func (mk *maker) with(f *flat, branch *openapi3.SchemaRef, seed int) (any, bool) {
	if len(f.Properties) == 0 && f.Type == nil {
		v, ok := mk.make(branch, seed)
		return f.discriminated(v, branch), ok
	}
	base := *f
	base.branches, base.Properties = nil, maps.Clone(f.Properties)
	base.Required = slices.Clone(f.Required)
	more := flatten(branch.Value, 0)
	inner := more.branches
	more.branches = nil
	base.add(more)
	if base.Const != nil {
		return base.Const, true
	}
	if len(base.Enum) > 0 {
		return base.Enum[seed%len(base.Enum)], true
	}
	if len(inner) > 0 && inner[0] != nil && inner[0].Value != nil {
		base.add(flatten(inner[0].Value, 0))
	}
	mk.open = append(mk.open, branch.Value)
	v, ok := mk.plain(&base, seed)
	mk.open = mk.open[:len(mk.open)-1]
	return f.discriminated(v, branch), ok
}

// discriminated writes the branch's name into the member that tells the branches apart.
func (f *flat) discriminated(v any, branch *openapi3.SchemaRef) any {
	object, ok := v.(map[string]any)
	if f.Discriminator == nil || !ok {
		return v
	}
	name := branch.Ref[strings.LastIndexByte(branch.Ref, '/')+1:]
	for _, key := range slices.Sorted(maps.Keys(f.Discriminator.Mapping)) {
		if f.Discriminator.Mapping[key].Ref == branch.Ref {
			name = key
		}
	}
	if name != "" {
		object = maps.Clone(object)
		object[f.Discriminator.PropertyName] = name
	}
	return object
}

// takes asks the library whether a value fits a schema.
func (mk *maker) takes(s *openapi3.Schema, v any) bool {
	opts := []openapi3.SchemaValidationOption{openapi3.VisitAsResponse(), openapi3.MultiErrors()}
	if mk.v31 {
		opts = append(opts, openapi3.EnableJSONSchema2020())
	}
	return s.VisitJSON(decoded(v), opts...) == nil
}

// plain makes an example of a schema without branches.
func (mk *maker) plain(f *flat, seed int) (any, bool) {
	switch mk.kindOf(f) {
	case "object":
		return mk.object(f)
	case "array":
		return mk.array(f)
	case "integer":
		return math.Trunc(number(f, true, seed)), true
	case "number":
		return number(f, false, seed), true
	case "boolean":
		return seed%2 == 0, true
	case "null":
		return nil, true
	}
	return text(f, seed), true
}

// kindOf is the type of an example: what the schema says, or what its members are about.
func (mk *maker) kindOf(f *flat) string {
	if f.Type != nil {
		for _, t := range f.Type.Slice() {
			if t != "null" {
				return t
			}
		}
		return "null"
	}
	switch {
	case len(f.Properties) > 0 || len(f.Required) > 0 || f.AdditionalProperties.Schema != nil:
		return "object"
	case f.Items != nil || len(f.PrefixItems) > 0:
		return "array"
	case f.Min != nil || f.Max != nil || f.MultipleOf != nil:
		return "number"
	}
	return "string"
}

func (mk *maker) object(f *flat) (any, bool) {
	out, whole := make(map[string]any), true
	for _, name := range slices.Sorted(maps.Keys(f.Properties)) {
		ref, required := f.Properties[name], slices.Contains(f.Required, name)
		if ref == nil || ref.Value == nil || ref.Value.WriteOnly || !required && f.MaxProps != nil && uint64(len(out)+len(f.Required)) >= *f.MaxProps {
			continue
		}
		v, ok := mk.make(ref, 0)
		if !ok && !required {
			continue
		}
		whole = whole && ok
		out[name] = v
	}
	for _, name := range f.Required {
		if _, have := out[name]; !have && (f.Properties[name] == nil || f.Properties[name].Value == nil || !f.Properties[name].Value.WriteOnly) {
			out[name], _ = mk.make(f.AdditionalProperties.Schema, 0)
		}
	}
	least := f.MinProps
	if f.AdditionalProperties.Schema != nil && len(out) == 0 {
		least = max(least, 1)
	}
	for i := 1; uint64(len(out)) < least && i < 100; i++ {
		v, ok := mk.make(f.AdditionalProperties.Schema, i)
		if !ok && f.MinProps == 0 {
			break
		}
		out["lorem"+strings.Repeat("m", i-1)] = v
	}
	return out, whole
}

func (mk *maker) array(f *flat) (any, bool) {
	out := []any{}
	for _, ref := range f.PrefixItems {
		v, _ := mk.make(ref, 0)
		out = append(out, v)
	}
	n := max(f.MinItems, 1)
	if f.MaxItems != nil {
		n = min(n, *f.MaxItems)
	}
	if f.Items == nil && len(f.PrefixItems) > 0 {
		n = 0
	}
	whole := true
	for i := 0; uint64(len(out)) < min(n, 100); i++ {
		v, ok := mk.make(f.Items, i)
		if !ok && f.MinItems == 0 {
			break
		}
		whole = whole && ok
		out = append(out, v)
	}
	return out, whole
}
