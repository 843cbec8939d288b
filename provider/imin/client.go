package imin

import (
	"fmt"
	"slices"

	"github.com/keyfit/keyfit"
)

// Client calls imin with one account's key. Make it once and keep it; it is safe for
// concurrent use. Each field is one area of the API.
type Client struct {
	EventSeries  *EventSeriesService  // Events API: search and by ID
	EventPlaces  *EventPlacesService  // Events API: where the events are, for a map
	Facets       *FacetsService       // Events API: what one can search by
	FacilityUses *FacilityUsesService // Facilities API: search and by ID
	Slots        *SlotsService        // Facilities API: one slot
	Places       *PlacesService       // Places API, on a host of its own
	Firehose     *FirehoseService     // Firehose, on a host of its own

	hosts Hosts
}

// Hosts are the keyfit clients of imin's three hosts, for [FromClients].
type Hosts struct {
	Search   *keyfit.Client // search.imin.co, of [keyfit.Imin]
	Places   *keyfit.Client // places.imin.co, of [PlacesProvider]
	Firehose *keyfit.Client // firehose.imin.co, of [FirehoseProvider]
}

// New returns a client with the key of IMIN_API_KEY, else of .env, unless an option says
// otherwise. Options go to all three hosts, but [WithSearchURL], [WithPlacesURL] and
// [WithFirehoseURL]; the key is shared, connections and limits are not. A gate of
// [keyfit.WithGate] beside a key option is the search host's alone. Nothing is sent.
//
// Errors: a [*keyfit.NoKeyError] if no source has a key; one that names the option for a
// bad option.
func New(opts ...keyfit.Option) (*Client, error) {
	var h Hosts
	var err error
	if h.Search, err = keyfit.New(keyfit.Imin(), forHost(searchHost, opts)...); err != nil {
		return nil, err
	}
	if h.Places, err = beside(h.Search, PlacesProvider(), forHost(placesHost, opts)); err != nil {
		return nil, fmt.Errorf("the client of the Places API: %w", err)
	}
	if h.Firehose, err = beside(h.Search, FirehoseProvider(), forHost(firehoseHost, opts)); err != nil {
		return nil, fmt.Errorf("the client of the Firehose: %w", err)
	}
	return FromClients(h), nil
}

// beside returns the client of another host of imin's that shares the first one's keys.
func beside(first *keyfit.Client, p keyfit.Provider, opts []keyfit.Option) (*keyfit.Client, error) {
	ring := keyfit.WithSource(first.Keys())
	if c, err := keyfit.New(p, append(slices.Clip(opts), ring)...); err == nil {
		return c, nil
	}
	// An option says where the key is, which excludes a ring; a derived client may have one.
	c, err := keyfit.New(p, opts...)
	if err != nil {
		return nil, err
	}
	return c.With(ring)
}

// FromClient puts the types over a client of the search host. Places and Firehose, which
// live on other hosts, return an error then: see [FromClients].
func FromClient(c *keyfit.Client) *Client { return FromClients(Hosts{Search: c}) }

// FromClients puts the types over clients that the caller made. The services of a host
// that is nil return an error. To have them share a key, give them one ring by
// [keyfit.WithSource].
func FromClients(h Hosts) *Client {
	search := host{searchHost, h.Search}
	return &Client{
		EventSeries:  &EventSeriesService{search},
		EventPlaces:  &EventPlacesService{search},
		Facets:       &FacetsService{search},
		FacilityUses: &FacilityUsesService{search},
		Slots:        &SlotsService{search},
		Places:       &PlacesService{host{placesHost, h.Places}},
		Firehose:     &FirehoseService{host: host{firehoseHost, h.Firehose}, polls: newPolls()},
		hosts:        h,
	}
}

// Keyfit returns the client of the search host, for keys, rotation and calls that have no
// type here. Its keyring is that of all hosts.
func (c *Client) Keyfit() *keyfit.Client { return c.hosts.Search }

// Hosts returns the clients of all hosts.
func (c *Client) Hosts() Hosts { return c.hosts }

// The hosts, as errors name them.
const (
	searchHost   = "search.imin.co"
	placesHost   = "places.imin.co"
	firehoseHost = "firehose.imin.co"
)

// PlacesProvider describes the Places API: [keyfit.Imin] on places.imin.co. Source:
// docs.imin.co, imin Places API.
func PlacesProvider() keyfit.Provider { return at(placesHost, placesPath+"?limit=1") }

// FirehoseProvider describes the Firehose: [keyfit.Imin] on firehose.imin.co. It has no
// probe, since a feed's last page may be asked for rarely. Source: docs.imin.co, Firehose.
func FirehoseProvider() keyfit.Provider { return at(firehoseHost, "") }

func at(name, probe string) keyfit.Provider {
	p := keyfit.Imin()
	p.BaseURL, p.Probe = "https://"+name, probe
	return p
}

// hostURL moves one host. [keyfit.New] takes it as the WithBaseURL that is in it.
type hostURL struct {
	keyfit.Option
	host string
}

// WithSearchURL sets the origin of Events and Facilities API in place of
// https://search.imin.co, for [New]. It excludes [keyfit.WithBaseURL], which moves all
// three hosts, and silences IMIN_BASE_URL for this one.
func WithSearchURL(origin string) keyfit.Option {
	return hostURL{keyfit.WithBaseURL(origin), searchHost}
}

// WithPlacesURL sets the origin of the Places API in place of https://places.imin.co; see
// [WithSearchURL].
func WithPlacesURL(origin string) keyfit.Option {
	return hostURL{keyfit.WithBaseURL(origin), placesHost}
}

// WithFirehoseURL sets the origin of the Firehose in place of https://firehose.imin.co;
// see [WithSearchURL].
func WithFirehoseURL(origin string) keyfit.Option {
	return hostURL{keyfit.WithBaseURL(origin), firehoseHost}
}

// forHost leaves out what moves another host.
func forHost(name string, opts []keyfit.Option) []keyfit.Option {
	return slices.DeleteFunc(slices.Clone(opts), func(o keyfit.Option) bool {
		moved, ok := o.(hostURL)
		return ok && moved.host != name
	})
}
