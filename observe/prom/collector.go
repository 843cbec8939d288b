package prom

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/keyfit/keyfit"
)

// Collector is a [prometheus.Collector] for one or many clients. Create it with [New]. It is
// safe for concurrent use.
type Collector struct {
	metrics *metrics

	mu      sync.Mutex
	clients map[string]*keyfit.Client
}

// New returns a collector without clients.
func New() *Collector {
	return &Collector{metrics: newMetrics(), clients: make(map[string]*keyfit.Client)}
}

// Add adds a client under a name, which becomes the label client. It is an error if the client is
// nil, if the name is empty or not valid UTF-8, or if another client has the name. The collector
// keeps the client until it is removed.
func (c *Collector) Add(name string, client *keyfit.Client) error {
	switch {
	case client == nil:
		return errors.New("prom: the client is nil")
	case name == "" || !utf8.ValidString(name):
		return fmt.Errorf("prom: %q is no name of a client: it must be UTF-8 and not empty", name)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, taken := c.clients[name]; taken {
		return fmt.Errorf("prom: there is a client %q already: a name is the label that tells two clients apart", name)
	}
	c.clients[name] = client
	return nil
}

// Remove removes the client of a name, if there is one: its series end.
func (c *Collector) Remove(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.clients, name)
}

// Describe implements [prometheus.Collector].
func (c *Collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range c.metrics.all {
		to <- d
	}
}

// Collect implements [prometheus.Collector].
func (c *Collector) Collect(to chan<- prometheus.Metric) {
	c.mu.Lock()
	clients := maps.Clone(c.clients)
	c.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(clients)) {
		client := clients[name]
		one := reading{metrics: c.metrics, to: to, labels: []string{name, clean(client.Provider().Name)}}
		one.stats(client.Stats())
		one.keys(client.Keys().Status())
	}
}
