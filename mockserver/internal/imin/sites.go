package imin

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math"
	"math/rand/v2"
	"net/url"
	"strconv"
	"time"
)

// The centre of the Lorem Fitsum data set, Oxford (page "Mocking the Interface").
const (
	oxfordLat = 51.7520131
	oxfordLon = -1.2578499
)

// newSites generates n places. The first is in the centre of Oxford for every
// seed; the others are within about eight kilometres of it.
func newSites(r *rand.Rand, n int) []place {
	sites := []place{newSite(r, "Test Hall", oxfordLat, oxfordLon)}
	words := []string{"Rowan", "Wiza", "Alvera", "Gloria", "Lorem", "Ipsum", "Dolor", "Amet"}
	kinds := []string{"Leisure Centre", "Sports Village", "Community Hall", "Park"}
	for len(sites) < n {
		name := words[r.IntN(len(words))] + " " + words[r.IntN(len(words))] + " " + kinds[len(sites)%len(kinds)]
		near := func(x, spread float64) float64 { return math.Round((x+spread*(r.Float64()-0.5))*1e7) / 1e7 }
		sites = append(sites, newSite(r, name, near(oxfordLat, 0.12), near(oxfordLon, 0.18)))
	}
	return sites
}

func newSite(r *rand.Rand, name string, lat, lon float64) place {
	street := fmt.Sprintf("%d Fitsum Road", 1+r.IntN(200))
	postcode := fmt.Sprintf("OX%d %dQD", 1+r.IntN(4), 1+r.IntN(9))
	pl := place{
		Type: "Place", ID: "#/imin:locationSummary/" + digest(name, lat, lon), Name: name,
		Description: lorem(r), URL: "https://loremfitsum.example/places/" + url.PathEscape(name),
		Telephone: phone(r), Identifier: fmt.Sprintf("place-%x", placeHash(name, lat, lon)[:4]),
		Address: address{
			Type: "PostalAddress", StreetAddress: street, AddressLocality: "Oxford", AddressRegion: "Oxfordshire",
			PostalCode: postcode, AddressCountry: "GB", FullAddress: name + ", " + street + ", Oxford, Oxfordshire, " + postcode,
		},
		Geo:   coordinates{Type: "GeoCoordinates", Latitude: lat, Longitude: lon},
		Image: []image{newImage(r)},
	}
	for _, a := range []string{"Changing Facilities", "Showers", "Lockers", "Towels", "Creche", "Parking"} {
		pl.AmenityFeature = append(pl.AmenityFeature, amenity{Type: a, Name: a, Value: r.IntN(3) > 0})
	}
	for d := range 7 {
		pl.OpeningHours = append(pl.OpeningHours, openingHours{"OpeningHoursSpecification", dayName(time.Weekday(d)), "06:00", "22:00"})
	}
	return pl
}

// digest returns the ID of a place in the form of the samples: 20 hashed bytes
// in base64, escaped.
func digest(name string, lat, lon float64) string {
	return url.QueryEscape(base64.StdEncoding.EncodeToString(placeHash(name, lat, lon)))
}

func placeHash(name string, lat, lon float64) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %f %f", name, lat, lon))
	return sum[:20]
}

func dayName(d time.Weekday) string { return "schema:" + d.String() }

// picture returns an image without thumbnails, for logos and people.
func picture(r *rand.Rand) image {
	return image{Type: "ImageObject", URL: imageURL("128", "128", 1+r.IntN(1000))}
}

func newImage(r *rand.Rand) image {
	n := 1 + r.IntN(1000)
	sizes := [...][2]string{{"672", "414"}, {"300", "200"}, {"100", "100"}}
	img := image{Type: "ImageObject", URL: imageURL("1024", "768", n), Thumbnail: make([]thumbnail, len(sizes))}
	for i, size := range sizes {
		img.Thumbnail[i] = thumbnail{"ImageObject", imageURL(size[0], size[1], n), size[0] + " px", size[1] + " px"}
	}
	return img
}

func imageURL(width, height string, n int) string {
	return "https://images.loremfitsum.example/" + width + "/" + height + "?image=" + strconv.Itoa(n)
}

// phone returns a number in the range that Ofcom reserves for fiction.
func phone(r *rand.Rand) string { return fmt.Sprintf("01632 960%03d", r.IntN(1000)) }

func lorem(r *rand.Rand) string {
	sentences := []string{
		"Lorem ipsum dolor sit amet.", "Consectetur adipisci velit.", "Ut enim ad minima veniam.",
		"Quis nostrum exercitationem ullam.", "Nemo enim ipsam voluptatem.",
	}
	return sentences[r.IntN(len(sentences))] + " " + sentences[r.IntN(len(sentences))]
}
