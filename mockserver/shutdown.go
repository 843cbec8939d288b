package mockserver

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/clock"
)

// Shutdown closes the server gracefully: it accepts nothing new, ends the streams
// of the admin API and lets requests in progress finish until ctx ends. Then it
// closes what is left, such as an injected stall or a client that does not read.
// It returns Close's error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.drain()
	s.mu.Lock()
	servers := slices.Clone(s.servers)
	s.mu.Unlock()
	// A request that is on its way already gets time to be read.
	defer clock.AfterMachineTime(firstByte, s.running.hangUp)()
	var over sync.WaitGroup
	for _, srv := range servers {
		over.Go(func() { shutdown(ctx, srv) })
	}
	over.Wait()
	return s.Close()
}

// firstByte is how long Shutdown waits for the first byte of a connection's first
// request.
const firstByte = 250 * time.Millisecond

func shutdown(ctx context.Context, srv *http.Server) {
	_ = srv.Shutdown(ctx) // fails if ctx ended first; Close closes what is left
}

// Reconfigure replaces limits and profiles by those of the options WithLimit,
// WithoutRateLimits and WithProfile, in every namespace and in those made later.
// It ignores other options, and panics on a limit that is none.
func (s *Server) Reconfigure(opts ...Option) {
	next := newOptions(opts)
	if next.err != nil {
		panic("mockserver: " + next.err.Error())
	}
	s.mu.Lock()
	s.opts.limits, s.opts.noLimits, s.opts.profiles = next.limits, next.noLimits, next.profiles
	for _, n := range s.namespaces {
		s.unsaved.setting(n)
		for i := range n.vendors {
			n.configure(i, &s.opts)
		}
	}
	s.mu.Unlock()
	s.file.Later()
}
