package imin

import (
	"fmt"
	"slices"

	"github.com/keyfit/keyfit"
)

// Client calls imin with the key of one account. Create it once and reuse it; it is safe for
// concurrent use. Each field is one area of the API.
type Client struct {
	EventSeries  *EventSeriesService  // Events API: search and by ID
	EventPlaces  *EventPlacesService  // Events API: places of events, for a map
	Facets       *FacetsService       // Events API: search facets
	FacilityUses *FacilityUsesService // Facilities API: search and by ID
	Slots        *SlotsService        // Facilities API: slots by ID
	Places       *PlacesService       // Places API, on a separate host
	Firehose     *FirehoseService     // Firehose, on a separate host

	hosts Hosts
}

// Hosts holds the keyfit clients for imin's three hosts, for [FromClients].
type Hosts struct {
	Search   *keyfit.Client // search.imin.co, provider [keyfit.Imin]
	Places   *keyfit.Client // places.imin.co, provider [PlacesProvider]
	Firehose *keyfit.Client // firehose.imin.co, provider [FirehoseProvider]
}

// New returns a client. The key comes from an option, from IMIN_API_KEY or from .env. All
// options apply to all three hosts, except [WithSearchURL], [WithPlacesURL] and
// [WithFirehoseURL]. The hosts share the key, but not connections and limits. If both a gate
// ([keyfit.WithGate]) and a key option are given, the gate applies only to the search host.
// New sends no request. imin wants a key for each product: [keyfit.WithEnvPrefix] chooses the
// variables of one of several.
//
// The error is a [*keyfit.NoKeyError] if no source has a key, or names the invalid option.
func New(opts ...keyfit.Option) (*Client, error) {
	var h Hosts
	var err error
	if h.Search, err = keyfit.New(keyfit.Imin(), forHost(searchHost, opts)...); err != nil {
		return nil, err
	}
	if h.Places, err = newSharedClient(h.Search, PlacesProvider(), forHost(placesHost, opts)); err != nil {
		return nil, fmt.Errorf("the client of the Places API: %w", err)
	}
	if h.Firehose, err = newSharedClient(h.Search, FirehoseProvider(), forHost(firehoseHost, opts)); err != nil {
		return nil, fmt.Errorf("the client of the Firehose: %w", err)
	}
	return FromClients(h), nil
}

// newSharedClient returns a client for another host that shares the keys of first.
func newSharedClient(first *keyfit.Client, p keyfit.Provider, opts []keyfit.Option) (*keyfit.Client, error) {
	ring := keyfit.WithSource(first.Keys())
	if c, err := keyfit.New(p, append(slices.Clip(opts), ring)...); err == nil {
		return c, nil
	}
	// An option with a key excludes a keyring, but a derived client may have one.
	c, err := keyfit.New(p, opts...)
	if err != nil {
		return nil, err
	}
	return c.With(ring)
}

// FromClient wraps a client of the search host. The services Places and Firehose, which use
// other hosts, then return an error; see [FromClients].
func FromClient(c *keyfit.Client) *Client { return FromClients(Hosts{Search: c}) }

// FromClients wraps existing clients. The services of a host without a client return an
// error. To share a key, create the clients with the same keyring ([keyfit.WithSource]).
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

// Keyfit returns the client of the search host, for keys, rotation and untyped calls. All
// hosts share its keyring.
func (c *Client) Keyfit() *keyfit.Client { return c.hosts.Search }

// Hosts returns the clients of the three hosts.
func (c *Client) Hosts() Hosts { return c.hosts }

// The hosts as named in errors.
const (
	searchHost   = "search.imin.co"
	placesHost   = "places.imin.co"
	firehoseHost = "firehose.imin.co"
)

// PlacesProvider describes the Places API: [keyfit.Imin] on places.imin.co. Source:
// docs.imin.co, imin Places API.
func PlacesProvider() keyfit.Provider { return providerAt(placesHost, placesPath+"?limit=1") }

// FirehoseProvider describes the Firehose: [keyfit.Imin] on firehose.imin.co. It has no
// probe, because the last page of a feed must not be polled often. Source: docs.imin.co,
// Firehose.
func FirehoseProvider() keyfit.Provider { return providerAt(firehoseHost, "") }

func providerAt(name, probe string) keyfit.Provider {
	p := keyfit.Imin()
	p.BaseURL, p.Probe = "https://"+name, probe
	return p
}

// hostURL is a WithBaseURL option for one host only.
type hostURL struct {
	keyfit.Option
	host string
}

// WithSearchURL sets the origin of the Events and Facilities APIs for [New]. The default is
// https://search.imin.co. It cannot be combined with [keyfit.WithBaseURL], which applies to
// all three hosts, and it overrides IMIN_BASE_URL for this host.
func WithSearchURL(origin string) keyfit.Option {
	return hostURL{keyfit.WithBaseURL(origin), searchHost}
}

// WithPlacesURL sets the origin of the Places API. The default is https://places.imin.co; see
// [WithSearchURL].
func WithPlacesURL(origin string) keyfit.Option {
	return hostURL{keyfit.WithBaseURL(origin), placesHost}
}

// WithFirehoseURL sets the origin of the Firehose. The default is https://firehose.imin.co;
// see [WithSearchURL].
func WithFirehoseURL(origin string) keyfit.Option {
	return hostURL{keyfit.WithBaseURL(origin), firehoseHost}
}

// forHost removes the options for other hosts.
func forHost(name string, opts []keyfit.Option) []keyfit.Option {
	return slices.DeleteFunc(slices.Clone(opts), func(o keyfit.Option) bool {
		moved, ok := o.(hostURL)
		return ok && moved.host != name
	})
}
