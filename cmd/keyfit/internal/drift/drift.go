// Package drift asks a real API which of the mock's assumptions hold, and makes a profile of what
// it answers otherwise.
//
// It asks with the caller's own key and with GET alone. The same questions go to a mock, so that
// the comparison needs no second description of it; and once more to a mock with the profile, to
// say truly what the profile reaches.
package drift

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/vendors"
	"github.com/keyfit/keyfit/mockserver"
)

// Row is one question and its answers.
type Row struct {
	Sent    string             `json:"sent"`
	Outcome mockserver.Outcome `json:"outcome,omitempty"` // of the mock's
	Mock    Answer             `json:"mock"`
	Real    Answer             `json:"real"`
	Holds   bool               `json:"holds"`
	// Played tells whether the mock answers as the real API with the profile.
	Played bool `json:"played"`
}

// Report is what was found out.
type Report struct {
	Vendor   string             `json:"vendor"`
	Provider string             `json:"provider"` // of the mock
	Host     string             `json:"host"`
	Path     string             `json:"path"`
	Requests int                `json:"requests"` // sent to the real API
	Rows     []Row              `json:"rows"`
	Profile  mockserver.Profile `json:"profile"` // of what does not hold; laid over the default
}

// Drifted reports whether an assumption does not hold.
func (r *Report) Drifted() bool {
	return slices.ContainsFunc(r.Rows, func(row Row) bool { return !row.Holds })
}

// ErrLimited says that the real API's limit is reached, so that nothing more is asked.
var ErrLimited = errors.New("the rate limit is reached")

// ErrKey says that the real API does not accept the key, so that nothing can be compared.
var ErrKey = errors.New("the key is not accepted")

// Ask compares the real API with the mock. dial makes the client of the real API over a
// transport; path is a GET that the key may read.
func Ask(ctx context.Context, v *vendors.Vendor, path string, dial func(http.RoundTripper) (*keyfit.Client, error)) (*Report, error) {
	probes := probesOf(v)
	madeUp, err := madeUpFor(v)
	if err != nil {
		return nil, err
	}
	pool := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	defer pool.CloseIdleConnections()
	r := &Report{Vendor: v.Name, Provider: string(providerOf(v.Name)), Path: path}
	run := asking{place: placeOf(v), path: path, madeUp: madeUp}
	realAnswers, err := run.all(ctx, probes, func(w *wire) (*keyfit.Client, error) {
		w.next, w.sent = pool, &r.Requests
		c, err := dial(w)
		if err == nil {
			r.Host = c.BaseURL()
		}
		return c, err
	})
	if err != nil {
		return r, err
	}
	mocked, err := run.mock(ctx, v, probes, mockserver.Profile{})
	if err != nil {
		return nil, err
	}
	r.compare(probes, mocked, realAnswers)
	if !r.Drifted() {
		return r, nil
	}
	again, err := run.mock(ctx, v, probes, r.Profile)
	if err != nil {
		return nil, err
	}
	for i := range r.Rows {
		r.Rows[i].Played = again[i].alike(&realAnswers[i])
	}
	return r, nil
}

// compare fills the rows and the profile.
func (r *Report) compare(probes []probe, mocked, realAnswers []Answer) {
	for i := range probes {
		row := Row{Sent: probes[i].sent, Outcome: probes[i].outcome, Mock: mocked[i], Real: realAnswers[i], Holds: mocked[i].alike(&realAnswers[i])}
		row.Played = row.Holds
		r.Rows = append(r.Rows, row)
		if !row.Holds {
			r.learn(&probes[i], &realAnswers[i])
		}
	}
}

// learn puts an answer into the profile, if a profile can have it.
func (r *Report) learn(p *probe, a *Answer) {
	if p.outcome == "" && a.Status == http.StatusOK {
		r.learnHints(a)
		return
	}
	if p.outcome == "" || a.Status < http.StatusBadRequest {
		return // the mock has no switch for it
	}
	answers := &r.Profile.Answers
	switch p.half {
	case client:
		answers = &r.Profile.Client
	case token:
		answers = &r.Profile.Token
	case bearer:
		answers = &r.Profile.Bearer
	case whole:
	}
	if *answers == nil {
		*answers = make(map[mockserver.Outcome]mockserver.Answer)
	}
	refusal := mockserver.Answer{Status: a.Status, ContentType: a.ContentType, Body: a.Body, Challenge: a.Challenge}
	(*answers)[p.outcome] = refusal
	if p.outcome == mockserver.UnknownKey { // the real API does not know the mock's keys either
		(*answers)[mockserver.NotAMockKey] = refusal
	}
}

// learnHints takes the headers that every answer has.
func (r *Report) learnHints(a *Answer) {
	if slices.Contains(a.Limits, "RateLimit") {
		r.Profile.Hints |= mockserver.HintRateLimit
	}
	if slices.Contains(a.Limits, "X-RateLimit-Limit") {
		r.Profile.Hints |= mockserver.HintXRateLimit
	}
	if r.Profile.Hints != 0 { // hints replace the default, which is not refuted
		r.Profile.Hints |= mockserver.DefaultProfile(providerOf(r.Vendor)).Hints
	}
}

// asking is what all questions share.
type asking struct {
	place  []string
	path   string
	madeUp http.Header
}

// all asks one question after the other.
func (run asking) all(ctx context.Context, probes []probe, dial func(*wire) (*keyfit.Client, error)) ([]Answer, error) {
	answers := make([]Answer, 0, len(probes))
	for i := range probes {
		w := &wire{place: run.place, madeUp: run.madeUp, probe: &probes[i]}
		c, err := dial(w)
		if err != nil {
			return nil, err
		}
		path := run.path
		if probes[i].path != "" {
			path = probes[i].path
		}
		_, err = keyfit.Get[struct{}](ctx, c, path, keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 1}))
		switch {
		case w.answer == nil && err != nil:
			return nil, fmt.Errorf("%s: %w", probes[i].sent, err)
		case w.answer == nil:
			return nil, fmt.Errorf("%s: nothing was asked", probes[i].sent)
		case w.answer.Status == http.StatusTooManyRequests:
			return nil, fmt.Errorf("%w: %d of %d questions are answered; ask again later", ErrLimited, i, len(probes))
		case i == 0 && w.answer.Status >= http.StatusBadRequest:
			return nil, fmt.Errorf("%w: GET %s is answered with %d; is there a --probe that it may read?", ErrKey, path, w.answer.Status)
		}
		answers = append(answers, *w.answer)
	}
	return answers, nil
}

// mock asks a mock with a profile.
func (run asking) mock(ctx context.Context, v *vendors.Vendor, probes []probe, profile mockserver.Profile) ([]Answer, error) {
	name := providerOf(v.Name)
	srv, err := mockserver.NewHandler(mockserver.WithProfile(name, profile), mockserver.WithoutRateLimits())
	if err != nil {
		return nil, fmt.Errorf("the mock: %w", err)
	}
	defer func() { _ = srv.Close() }() // it has stored nothing
	key, err := srv.Keys().TryIssue(name, kindOf(v)...)
	if err != nil {
		return nil, fmt.Errorf("the mock: %w", err)
	}
	run.path = v.Provider.Probe // the mock may lack the path that the caller has chosen
	if run.path == "" {
		run.path = "/resource" // iiniit's
	}
	return run.all(ctx, probes, func(w *wire) (*keyfit.Client, error) {
		w.next, w.sent = srv.Transport(), new(int)
		return keyfit.New(v.Provider, keyfit.WithSource(sourceOf(key)), keyfit.WithBaseURL("https://"+string(name)+".localhost"),
			keyfit.WithHTTPClient(&http.Client{Transport: w}), keyfit.WithoutDotEnv())
	})
}

// madeUpFor returns the headers of a credential that no API knows: a key of a mock that has ended.
func madeUpFor(v *vendors.Vendor) (http.Header, error) {
	srv, err := mockserver.NewHandler()
	if err != nil {
		return nil, fmt.Errorf("the mock: %w", err)
	}
	defer func() { _ = srv.Close() }() // it has stored nothing
	key, err := srv.Keys().TryIssue(providerOf(v.Name), kindOf(v)...)
	if err != nil {
		return nil, fmt.Errorf("the mock: %w", err)
	}
	r := &http.Request{Header: make(http.Header)}
	key.Apply(r)
	return r.Header, nil
}
