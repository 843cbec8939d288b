package mockserver

import (
	"context"
	"net/http"
	"slices"
	"sync"
)

// Shutdown is Close for those who have time: nothing new is accepted, streams
// of the admin API end, and requests under way may finish until ctx ends.
// Whatever hangs then (an injected stall, a client that does not read) is cut.
// It returns Close's error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.drain()
	s.mu.Lock()
	servers := slices.Clone(s.servers)
	s.mu.Unlock()
	var over sync.WaitGroup
	for _, srv := range servers {
		over.Go(func() { shutdown(ctx, srv) })
	}
	over.Wait()
	return s.Close()
}

func shutdown(ctx context.Context, srv *http.Server) {
	_ = srv.Shutdown(ctx) // fails when ctx ended first; Close cuts what is left
}

// Reconfigure replaces limits and profiles by those of the options, in every
// namespace, also for namespaces made later: what WithLimit, WithoutRateLimits
// and WithProfile say. Other options are ignored; they hold from the start.
func (s *Server) Reconfigure(opts ...Option) {
	next := newOptions(opts)
	s.mu.Lock()
	s.opts.limits, s.opts.noLimits, s.opts.profiles = next.limits, next.noLimits, next.profiles
	for _, n := range s.namespaces {
		for i := range n.vendors {
			n.configure(i, &s.opts)
		}
	}
	s.mu.Unlock()
	s.file.Later()
}
