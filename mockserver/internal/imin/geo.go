package imin

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// radial is a circle on the earth: geo[radial]=latitude,longitude,radius with
// the radius in kilometres.
type radial struct{ lat, lon, km float64 }

func parseRadial(s string) (radial, error) {
	parts := strings.Split(s, ",")
	if len(parts) != 3 {
		return radial{}, fmt.Errorf("geo[radial] must be {latitude},{longitude},{radius}, not %q", clip(s))
	}
	var v [3]float64
	for i, limit := range [3]float64{90, 180, 20_040} { // half the earth's girth reaches everything
		f, err := strconv.ParseFloat(strings.TrimSpace(parts[i]), 64)
		if err != nil || math.IsNaN(f) || math.Abs(f) > limit || i == 2 && f < 0 {
			return radial{}, fmt.Errorf("geo[radial] holds %q, which is out of range", clip(parts[i]))
		}
		v[i] = f
	}
	return radial{v[0], v[1], v[2]}, nil
}

// distance in kilometres along a great circle (haversine).
func (r radial) distance(g coordinates) float64 {
	const earth, degree = 6371.0088, math.Pi / 180
	sinLat := math.Sin((g.Latitude - r.lat) * degree / 2)
	sinLon := math.Sin((g.Longitude - r.lon) * degree / 2)
	h := sinLat*sinLat + math.Cos(r.lat*degree)*math.Cos(g.Latitude*degree)*sinLon*sinLon
	return 2 * earth * math.Asin(math.Min(1, math.Sqrt(h)))
}

func (r radial) contains(g coordinates) bool { return r.distance(g) <= r.km }

// measured is the place with its distance from the centre; the place itself
// when there is none (a nil r).
func (p place) measured(r *radial) place {
	if r != nil {
		km := math.Round(r.distance(p.Geo)*1000) / 1000 // metres, as in the samples
		p.Geo.Distance = &quantity{Type: "QuantitativeValue", Value: &km, UnitCode: "KMT"}
	}
	return p
}
