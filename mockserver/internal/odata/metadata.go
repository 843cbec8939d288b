package odata

import (
	"bytes"
	"encoding/xml"
)

// Metadata writes the CSDL document of entity sets named like their types, whose
// key is the first property (OData 4.01 CSDL XML). Relations are written with the
// types that they lead to.
func Metadata(namespace string, sets []*Type) []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header + `<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>` +
		`<Schema Namespace="` + namespace + `" xmlns="http://docs.oasis-open.org/odata/ns/edm">`)
	for _, t := range withLinked(sets) {
		writeType(&b, namespace, t)
	}
	b.WriteString(`<EntityContainer Name="Container">`)
	for _, t := range sets {
		b.WriteString(`<EntitySet Name="` + t.Name + `" EntityType="` + namespace + "." + t.Name + `"/>`)
	}
	b.WriteString(`</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>`)
	return b.Bytes()
}

// withLinked returns the types and, once each, those that relations lead to.
func withLinked(sets []*Type) []*Type {
	seen := make(map[string]bool)
	var all []*Type
	var add func(t *Type)
	add = func(t *Type) {
		if seen[t.Name] {
			return
		}
		seen[t.Name] = true
		all = append(all, t)
		for _, l := range t.Links {
			add(l.Type)
		}
	}
	for _, t := range sets {
		add(t)
	}
	return all
}

func writeType(b *bytes.Buffer, namespace string, t *Type) {
	b.WriteString(`<EntityType Name="` + t.Name + `">`)
	for i, p := range t.Props {
		if i == 0 {
			b.WriteString(`<Key><PropertyRef Name="` + p.Name + `"/></Key>`)
		}
		b.WriteString(`<Property Name="` + p.Name + `" Type="` + p.Kind.String() + `"`)
		if i == 0 {
			b.WriteString(` Nullable="false"`)
		}
		b.WriteString(`/>`)
	}
	for _, l := range t.Links {
		b.WriteString(`<NavigationProperty Name="` + l.Name + `" Type="` + namespace + "." + l.Type.Name + `"/>`)
	}
	b.WriteString(`</EntityType>`)
}
