package imin

import (
	"encoding/json"

	"github.com/keyfit/keyfit/internal/wire"
)

// Concept is an entry of a controlled vocabulary, such as an activity.
type Concept struct {
	Type              string                     `json:"type,omitempty"`
	ID                string                     `json:"id,omitempty"` // a URL
	PrefLabel         string                     `json:"prefLabel,omitempty"`
	InScheme          string                     `json:"inScheme,omitempty"`
	Definition        string                     `json:"definition,omitempty"`        // facets only
	BroaderTransitive List[string]               `json:"broaderTransitive,omitempty"` // facets only: all broader concepts
	Extra             map[string]json.RawMessage `json:"-"`
}

// Quantity is a number with a unit, or a range of numbers.
type Quantity struct {
	Type     string                     `json:"type,omitempty"`
	Value    Decimal                    `json:"value,omitempty"`
	MinValue Decimal                    `json:"minValue,omitempty"`
	MaxValue Decimal                    `json:"maxValue,omitempty"`
	UnitCode string                     `json:"unitCode,omitempty"` // UN/CEFACT: KMT kilometres, MIN minutes
	Extra    map[string]json.RawMessage `json:"-"`
}

// Level is a required level of experience.
type Level struct {
	Type  string                     `json:"type,omitempty"` // such as imin:BeginnerLevel
	Name  string                     `json:"name,omitempty"`
	Extra map[string]json.RawMessage `json:"-"`
}

// Brand is a programme that a series belongs to.
type Brand struct {
	Type        string                     `json:"type,omitempty"`
	Name        string                     `json:"name,omitempty"`
	URL         string                     `json:"url,omitempty"`
	Description string                     `json:"description,omitempty"`
	Logo        *Image                     `json:"logo,omitempty"`
	Video       json.RawMessage            `json:"beta:video,omitempty"` // a URL or an object
	Extra       map[string]json.RawMessage `json:"-"`
}

// Image is an image or one of its thumbnails.
type Image struct {
	Type      string                     `json:"type,omitempty"`
	URL       string                     `json:"url,omitempty"`
	Width     Scalar                     `json:"width,omitempty"` // such as "100 px"
	Height    Scalar                     `json:"height,omitempty"`
	Thumbnail List[Image]                `json:"thumbnail,omitempty"`
	Extra     map[string]json.RawMessage `json:"-"`
}

// Party is a Person or an Organization, as given by Type.
type Party struct {
	Type       string                     `json:"type,omitempty"`
	ID         string                     `json:"id,omitempty"`
	Identifier Scalar                     `json:"identifier,omitempty"`
	Name       string                     `json:"name,omitempty"`
	LegalName  string                     `json:"legalName,omitempty"`
	GivenName  string                     `json:"givenName,omitempty"`
	FamilyName string                     `json:"familyName,omitempty"`
	Email      string                     `json:"email,omitempty"`
	Telephone  string                     `json:"telephone,omitempty"`
	URL        string                     `json:"url,omitempty"`
	Gender     string                     `json:"gender,omitempty"` // such as schema:Female
	JobTitle   string                     `json:"jobTitle,omitempty"`
	Image      *Image                     `json:"image,omitempty"`
	Extra      map[string]json.RawMessage `json:"-"`
}

// DataSource identifies the source of a record.
type DataSource struct {
	Type       string                     `json:"type,omitempty"`
	Identifier string                     `json:"identifier,omitempty"` // such as loremfitsum, which is test data
	Extra      map[string]json.RawMessage `json:"-"`
}

// Facets is the index of search facets.
type Facets struct {
	Context List[string]               `json:"@context,omitempty"`
	ID      string                     `json:"id,omitempty"`
	Type    string                     `json:"type,omitempty"`
	Index   FacetIndex                 `json:"imin:index,omitzero"`
	Extra   map[string]json.RawMessage `json:"-"`
}

// FacetIndex holds one index per facet.
type FacetIndex struct {
	Activity                  Facet[Concept]             `json:"activity,omitzero"`
	ActivityConceptCollection Facet[ConceptCollection]   `json:"activityConceptCollection,omitzero"`
	Extra                     map[string]json.RawMessage `json:"-"`
}

// Facet is the index of one facet.
type Facet[T any] struct {
	Type  string                     `json:"type,omitempty"`
	Items List[T]                    `json:"imin:item,omitempty"`
	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps unknown members in Extra.
func (f *Facet[T]) UnmarshalJSON(b []byte) error {
	type plain Facet[T]
	return wire.Decode(b, (*plain)(f), &f.Extra)
}

// MarshalJSON writes the members of Extra too.
func (f Facet[T]) MarshalJSON() ([]byte, error) {
	type plain Facet[T]
	return wire.Encode(plain(f), f.Extra)
}

// ConceptCollection is a curated set of activities, for [EventQuery].ActivityCollectionIDs.
type ConceptCollection struct {
	Type       string                     `json:"type,omitempty"`
	ID         string                     `json:"id,omitempty"` // a URL
	PrefLabel  string                     `json:"prefLabel,omitempty"`
	Definition string                     `json:"definition,omitempty"`
	Publisher  Scalar                     `json:"beta:publisher,omitempty"`
	InScheme   string                     `json:"inScheme,omitempty"`
	Extra      map[string]json.RawMessage `json:"-"`
}

// Dataset is an entry of the attribution catalogue: a source of data and its licence (page
// "Attribution Catalog Endpoint").
type Dataset struct {
	Context    List[string]               `json:"@context,omitempty"`
	Type       string                     `json:"@type,omitempty"`
	ID         string                     `json:"@id,omitempty"`
	Identifier Scalar                     `json:"identifier,omitempty"`
	Name       string                     `json:"name,omitempty"`
	Publisher  *Publisher                 `json:"publisher,omitempty"`
	License    string                     `json:"license,omitempty"` // a URL
	Extra      map[string]json.RawMessage `json:"-"`
}

// Publisher is the publisher of a [Dataset].
type Publisher struct {
	Type      string                     `json:"@type,omitempty"`
	ID        string                     `json:"@id,omitempty"`
	Name      string                     `json:"name,omitempty"`
	LegalName string                     `json:"legalName,omitempty"`
	URL       string                     `json:"url,omitempty"`
	Extra     map[string]json.RawMessage `json:"-"`
}

// Seller is a seller whose offers a broker may book (page "Bookable Sellers Feed").
type Seller struct {
	Context List[string]               `json:"@context,omitempty"`
	Type    string                     `json:"@type,omitempty"`
	ID      string                     `json:"@id,omitempty"` // a URL
	Extra   map[string]json.RawMessage `json:"-"`
}
