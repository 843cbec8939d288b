// Package replica finds the replicas of a service, asks each for its Keyring.Status(), and judges
// whether an old key may be revoked.
//
// A URL whose host is a name stands for all addresses of the name, each of which is asked: the
// headless Service of Kubernetes has one for each pod. The name is looked up again each time. An
// address that it no longer has is asked until nothing answers there, because a pod that ends, or
// is not ready, may still call with the old key.
package replica

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Lookup returns the addresses of a host name.
type Lookup func(ctx context.Context, host string) ([]netip.Addr, error)

// Answer is what a replica answered, or why it did not.
type Answer struct {
	Name     string // of the replica: its URL without secrets, and the host's name if it was asked by address
	Statuses []*Status
	Err      error
	Gone     bool // the name no longer has this address, and nothing answers there
}

// Finder asks the replicas of services. It is for one goroutine.
type Finder struct {
	services []*service
	lookup   Lookup
}

// service is one URL.
type service struct {
	address string
	host    string // the name to look up; "" if the URL is one replica
	port    uint16
	known   []netip.Addr // every address that the name ever had and that was not gone
}

// NewFinder returns a finder of the replicas of URLs, which [CheckURL] accepts. lookup may be nil:
// then the system looks names up.
func NewFinder(urls []string, lookup Lookup) *Finder {
	f := &Finder{lookup: lookup}
	if lookup == nil {
		f.lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	for _, address := range urls {
		f.services = append(f.services, newService(address))
	}
	return f
}

// CheckURL returns an error for what is no URL of a replica. It does not repeat it: it may be a
// key.
func CheckURL(raw string) error {
	if u, err := url.Parse(raw); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("needs a URL such as http://host:port/path")
	}
	return nil
}

// newService finds out whether a host is a name that stands for several replicas. One that a proxy
// is asked for is not: the proxy looks it up. Nor is localhost, whose two addresses are one host.
func newService(address string) *service {
	s := &service{address: address}
	u, err := url.Parse(address)
	if err != nil {
		return s
	}
	host := u.Hostname()
	if _, err := netip.ParseAddr(host); err == nil || strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost") {
		return s
	}
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: u}); err != nil || proxy != nil {
		return s
	}
	ports := map[string]string{"http": "80", "https": "443"}
	port, err := strconv.ParseUint(cmp.Or(u.Port(), ports[u.Scheme]), 10, 16)
	if err == nil {
		s.host, s.port = host, uint16(port)
	}
	return s
}

// Ask asks every replica once, all at the same time.
func (f *Finder) Ask(ctx context.Context) []Answer {
	answers := make([][]Answer, len(f.services))
	var group sync.WaitGroup
	for i, s := range f.services {
		group.Go(func() { answers[i] = s.ask(ctx, f.lookup) })
	}
	group.Wait()
	return slices.Concat(answers...)
}

// ask asks each replica of a service.
func (s *service) ask(ctx context.Context, lookup Lookup) []Answer {
	if s.host == "" {
		a := Answer{Name: WithoutSecrets(s.address)}
		a.Statuses, a.Err = ask(ctx, s.address, netip.AddrPort{})
		return []Answer{a}
	}
	now, err := s.addresses(ctx, lookup)
	for _, addr := range now {
		if !slices.Contains(s.known, addr) {
			s.known = append(s.known, addr)
		}
	}
	answers := make([]Answer, len(s.known))
	var group sync.WaitGroup
	for i, addr := range s.known {
		group.Go(func() {
			answers[i] = Answer{Name: s.name(addr)}
			answers[i].Statuses, answers[i].Err = ask(ctx, s.address, netip.AddrPortFrom(addr, s.port))
			answers[i].Gone = err == nil && !slices.Contains(now, addr) && answers[i].Err != nil && ctx.Err() == nil
		})
	}
	group.Wait()
	var still []netip.Addr
	for i, addr := range s.known {
		if !answers[i].Gone {
			still = append(still, addr)
		}
	}
	s.known = still
	if err != nil {
		return slices.Concat(answers, []Answer{{Name: WithoutSecrets(s.address), Err: err}})
	}
	return answers
}

// addresses looks the name up. Of a name with addresses of both kinds it returns those of IPv4: a
// pod of a cluster with two stacks has one of each, and is one replica.
func (s *service) addresses(ctx context.Context, lookup Lookup) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	found, err := lookup(ctx, s.host)
	if err != nil {
		if dns, ok := errors.AsType[*net.DNSError](err); ok {
			err = errors.New(dns.Err) // without the address of the name server
		}
		return nil, fmt.Errorf("its name cannot be looked up: %w", err)
	}
	var four, six []netip.Addr
	for _, addr := range found {
		if addr = addr.Unmap(); addr.Is4() {
			four = append(four, addr)
		} else {
			six = append(six, addr)
		}
	}
	if len(four) == 0 {
		four = six
	}
	if len(four) == 0 {
		return nil, errors.New("its name has no address")
	}
	slices.SortFunc(four, netip.Addr.Compare)
	return slices.Compact(four), nil
}

// name names a replica that is asked by address.
func (s *service) name(addr netip.Addr) string {
	u, err := url.Parse(s.address)
	if err != nil {
		return addr.String()
	}
	port := ""
	if u.Port() != "" {
		port = ":" + u.Port()
	}
	host := addr.String()
	if addr.Is6() {
		host = "[" + host + "]"
	}
	return u.Scheme + "://" + host + port + u.EscapedPath() + " (" + s.host + ")"
}
