package imin

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// radial is a circle on the earth: geo[radial]=latitude,longitude,radius with
// the radius in kilometres.
type radial struct{ lat, lon, radius float64 }

func parseRadial(s string) (radial, error) {
	parts := strings.Split(s, ",")
	if len(parts) != 3 {
		return radial{}, fmt.Errorf("geo[radial] must be {latitude},{longitude},{radius}, not %q", clip(s))
	}
	var v [3]float64
	for i, limit := range [3]float64{90, 180, 20_040} { // half the circumference of the earth, in kilometres
		f, err := strconv.ParseFloat(strings.TrimSpace(parts[i]), 64)
		if err != nil || math.IsNaN(f) || math.Abs(f) > limit || i == 2 && f < 0 {
			return radial{}, fmt.Errorf("geo[radial] holds %q, which is out of range", clip(parts[i]))
		}
		v[i] = f
	}
	return radial{v[0], v[1], v[2]}, nil
}

// distance returns the great-circle distance in kilometres (haversine formula).
func (rad radial) distance(g coordinates) float64 {
	const earth, degree = 6371.0088, math.Pi / 180
	sinLat := math.Sin((g.Latitude - rad.lat) * degree / 2)
	sinLon := math.Sin((g.Longitude - rad.lon) * degree / 2)
	h := sinLat*sinLat + math.Cos(rad.lat*degree)*math.Cos(g.Latitude*degree)*sinLon*sinLon
	return 2 * earth * math.Asin(math.Min(1, math.Sqrt(h)))
}

func (rad radial) contains(g coordinates) bool { return rad.distance(g) <= rad.radius }

// withDistance returns the place with its distance from the centre of rad, or
// unchanged if rad is nil.
func (pl place) withDistance(rad *radial) place {
	if rad != nil {
		km := math.Round(rad.distance(pl.Geo)*1000) / 1000 // metres, as in the samples
		pl.Geo.Distance = &quantity{Type: "QuantitativeValue", Value: &km, UnitCode: "KMT"}
	}
	return pl
}
