package mockserver

import (
	"log/slog"
	"time"
)

// Option configures a Server.
type Option func(*options)

type options struct {
	seed           uint64
	seeded         bool
	tls            bool
	http1          bool
	logger         *slog.Logger
	journalEntries int
	journalBytes   int
	frozen         time.Time
	limits         map[Provider]Limit
	noLimits       bool
	profiles       map[Provider][]Profile
	statePath      string
	admin          AdminConfig
	timeouts       Timeouts
	deliver        bool
	empty          bool
	cors           []string
}

func newOptions(opts []Option) options {
	o := options{journalEntries: defaultJournalEntries, journalBytes: defaultJournalBytes}
	for _, f := range opts {
		f(&o)
	}
	return o
}

// WithSeed makes issued values and generated data the same in every run. Without
// it values are random and the data is that of seed 0.
func WithSeed(seed uint64) Option { return func(o *options) { o.seed, o.seeded = seed, true } }

// WithTLS serves https with a certificate of a CA made at the start. Client trusts
// it; CAPEM returns it for other clients. It also enables HTTP/2.
func WithTLS() Option { return func(o *options) { o.tls = true } }

// WithoutHTTP2 keeps TLS connections on HTTP/1.1, where resets are real.
func WithoutHTTP2() Option { return func(o *options) { o.http1 = true } }

// WithoutSampleData starts IMKIT without its Lorem Fitsum users, rooms and messages:
// an application as it is on its first day. Other vendors' records, which no client
// can make, stay.
func WithoutSampleData() Option { return func(o *options) { o.empty = true } }

// WithLogger logs every refusal (info) and every key that no mock made (warn),
// never with the value of a credential. The default logs nothing.
func WithLogger(l *slog.Logger) Option { return func(o *options) { o.logger = l } }

// WithJournal bounds the journal in entries and bytes. The default is 2,000 and
// 16 MiB. With 0 it keeps no entry; Counts stays exact.
func WithJournal(entries, bytes int) Option {
	return func(o *options) { o.journalEntries, o.journalBytes = entries, bytes }
}

// WithFrozenClock starts with the clock frozen at a time.
func WithFrozenClock(at time.Time) Option { return func(o *options) { o.frozen = at } }

// WithLimit replaces the vendor's rate limit; Limit{} is none.
func WithLimit(p Provider, l Limit) Option {
	return func(o *options) {
		if o.limits == nil {
			o.limits = make(map[Provider]Limit)
		}
		o.limits[p] = l
	}
}

// WithoutRateLimits removes every vendor's limit; a key's own (LimitTo) stays.
func WithoutRateLimits() Option { return func(o *options) { o.noLimits = true } }

// WithProfile changes the fields of the vendor's default profile that are set in
// p.
func WithProfile(v Provider, p Profile) Option {
	return func(o *options) {
		if o.profiles == nil {
			o.profiles = make(map[Provider][]Profile)
		}
		o.profiles[v] = append(o.profiles[v], p)
	}
}

// WithStateFile keeps the server's state in one JSON file: keys (SHA-256 sums,
// never values), clocks, limits, profiles, faults and changed data of every
// namespace. The file is read at the start and written within 200 ms of a change
// and at Close. Issue, Rotate, Revoke, Expire and SetData return once it is
// written: what they acknowledged survives a kill. So does a token that a
// vendor's own API issued; its other writes are saved within the 200 ms. The file
// is replaced as a whole, never half written. An invalid file makes the start
// fail and is not changed. Only one process uses a file at a time.
func WithStateFile(path string) Option { return func(o *options) { o.statePath = path } }

// WithAdmin configures the admin API; see AdminHandler.
func WithAdmin(a AdminConfig) Option { return func(o *options) { o.admin = a } }
