package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	keyfitotel "github.com/keyfit/keyfit/observe/otel"
	"github.com/keyfit/keyfit/observe/prom"
)

// service is a program with several clients, and the mock that they call.
type service struct {
	mock     *mockserver.Server
	observer *keyfitotel.Observer
	metrics  *prom.Collector
	registry *prometheus.Registry
	tracers  *trace.TracerProvider
	clients  map[string]*user
	running  sync.WaitGroup
	badDay   sync.Once
}

// user is a part of the program that calls one provider.
type user struct {
	client *keyfit.Client
	store  *store
	key    mockserver.Issued
	path   string
	proxy  atomic.Bool // whether a proxy on the way removes the key
	busy   atomic.Bool // whether it calls as often as it can
}

// plan says who calls whom.
func plan() map[string]struct {
	provider keyfit.Provider
	mock     mockserver.Provider
} {
	type to = struct {
		provider keyfit.Provider
		mock     mockserver.Provider
	}
	return map[string]to{
		"billing":   {keyfit.IMKIT(""), mockserver.IMKIT},
		"search":    {keyfit.Imin(), mockserver.Imin},
		"visits":    {keyfit.IMKIT(""), mockserver.IMKIT},
		"courses":   {keyfit.MindKey(), mockserver.MindKey},
		"archive":   {keyfit.MindKey(), mockserver.MindKey},
		"exams":     {keyfit.MindKey(), mockserver.MindKey},
		"mails":     {keyfit.Optimove(""), mockserver.Optimove},
		"customers": {keyfit.Optimove(""), mockserver.Optimove},
		"invoices":  {keyfit.Optimove(""), mockserver.Optimove},
	}
}

func newService(ctx context.Context, out io.Writer) (*service, error) {
	mock, err := mockserver.Start(ctx)
	if err != nil {
		return nil, err
	}
	s := &service{mock: mock, metrics: prom.New(), registry: prometheus.NewRegistry(), clients: make(map[string]*user)}
	s.tracers = trace.NewTracerProvider(trace.WithSpanProcessor(newPrinter(out)))
	meters, err := meterProvider(s.registry)
	if err == nil {
		s.observer, err = keyfitotel.New(keyfitotel.WithTracerProvider(s.tracers), keyfitotel.WithMeterProvider(meters), keyfitotel.WithRoutes())
	}
	if err == nil {
		err = s.registry.Register(s.metrics)
	}
	for name, to := range plan() {
		if err == nil {
			err = s.add(name, to.provider, to.mock)
		}
	}
	if err != nil {
		return nil, errors.Join(err, mock.Close())
	}
	return s, nil
}

// add makes a client that both observers see.
func (s *service) add(name string, p keyfit.Provider, mock mockserver.Provider) error {
	u := &user{store: new(store), key: s.mock.Keys().Issue(mock, mockserver.Named(name)), path: p.Probe}
	u.store.set(credential(u.key, time.Now().Add(300*24*time.Hour)))
	if p.Limit.Requests > 0 { // a fifth of it in a fifth of the time: the same rate, and no long wait
		p.Limit = keyfit.Limit{Requests: p.Limit.Requests / 5, Per: p.Limit.Per / 5}
	}
	opts := append(s.observer.Options(), keyfit.WithSource(u.store), keyfit.WithBaseURL(s.mock.BaseURL(mock)), keyfit.WithMiddleware(u.throughProxy))
	var err error
	if u.client, err = keyfit.New(p, opts...); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	s.clients[name] = u
	return errors.Join(s.metrics.Add(name, u.client), s.observer.Observe(name, u.client))
}

// oneCall makes a call that fails at first, so that there is a trace to look at.
func (s *service) oneCall(ctx context.Context) error {
	u := s.clients["courses"]
	s.mock.Inject(mockserver.Match{Provider: mockserver.MindKey}, mockserver.Status(http.StatusServiceUnavailable, `{"message":"try again"}`), mockserver.First(1))
	return u.call(ctx)
}

// work lets every part of the program call its provider until ctx ends.
func (s *service) work(ctx context.Context) {
	for _, u := range s.clients {
		s.running.Go(func() { _ = u.client.Keys().Watch(ctx, 200*time.Millisecond) })
		for n := range 60 {
			s.running.Go(func() {
				every := time.NewTicker(500 * time.Millisecond)
				defer every.Stop()
				for ctx.Err() == nil {
					if n == 0 || u.busy.Load() {
						_ = u.call(ctx)
					}
					select {
					case <-ctx.Done():
					case <-every.C:
					}
				}
			})
		}
	}
}

func (s *service) handler(ctx context.Context) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("POST /bad-day", func(w http.ResponseWriter, _ *http.Request) {
		var err error
		s.badDay.Do(func() { err = s.goWrong(ctx) })
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, "everything goes wrong from here on\n")
	})
	return mux
}

func (s *service) close() error {
	s.running.Wait()
	return errors.Join(s.observer.Close(), s.tracers.Shutdown(context.Background()), s.mock.Close())
}

func (u *user) call(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err := keyfit.Get[struct{}](ctx, u.client, u.path, keyfit.WithRoute("GET /probe"), keyfit.WithRetry(keyfit.RetryPolicy{MaxWait: 8 * time.Second}))
	return err
}

// throughProxy is a proxy between the client and its provider.
func (u *user) throughProxy(next http.RoundTripper) http.RoundTripper {
	return transport(func(req *http.Request) (*http.Response, error) {
		if u.proxy.Load() {
			req = req.Clone(req.Context())
			req.Header = http.Header{}
		}
		return next.RoundTrip(req)
	})
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// store stands for the place where the program finds its keys: a mounted file, a secret store.
type store struct {
	mu   sync.Mutex
	cred keyfit.Credential
	err  error
}

func (s *store) set(cred keyfit.Credential) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cred = cred
}

func (s *store) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// Credential implements [keyfit.Source].
func (s *store) Credential(context.Context) (keyfit.Credential, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cred, s.err
}

func credential(key mockserver.Issued, ends time.Time) keyfit.Credential {
	cred := keyfit.APIKey(key.Secret.Reveal())
	cred.Expires = ends
	return cred
}
