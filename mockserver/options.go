package mockserver

import (
	"fmt"
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
	stateSync      bool
	admin          AdminConfig
	timeouts       Timeouts
	public         publicURL
	err            error // of an option that cannot be; NewHandler returns it
	deliver        bool
	empty          bool
	cors           []string
	apis           []API
	checks         map[Provider]RequestCheck
	successors     func(Issued)
}

// fail takes an error of an option. Several are one line.
func (o *options) fail(err error) {
	if o.err != nil {
		err = fmt.Errorf("%w; %w", o.err, err)
	}
	o.err = err
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

// WithLimit replaces the vendor's rate limit; Limit{} is none. NewHandler fails on a
// negative number, or requests without a window.
func WithLimit(p Provider, l Limit) Option {
	return func(o *options) {
		if err := l.valid(); err != nil {
			o.fail(fmt.Errorf("%s: %w", p, err))
			return
		}
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
// and at Close. Issue, Rotate, Revoke, Expire, SetData, Reset and Restore return once
// their change is on the disk: what they acknowledged survives a kill, and what cannot
// be saved is undone. So does a token that a vendor's own API issued. Its other writes,
// and changes of clock, limits and faults, are saved within the 200 ms: a kill may lose
// those of that time, unless WithStateSync is given.
//
// Beside the file stands path.changes while a server with more than some hundred keys
// runs, or after it was killed: what changed since the file was written. So a save takes
// the same time however many keys there are. Move or copy both, or neither: the document
// says that there is another, and each of its lines covers those before it, so that one
// that is missing, emptied or cut makes the start fail. The files are never half written.
// An invalid file makes the start fail and is not changed. A symbolic link is followed;
// anything but a regular file with one name (no hard links) is refused. Only one process
// uses a file at a time.
func WithStateFile(path string) Option { return func(o *options) { o.statePath = path } }

// WithStateSync makes every write over a vendor's own API wait until it is saved, before
// it is answered: what a client was told survives a kill. It costs a write to the disk
// for each, and a write that cannot be saved is answered with a 500. Without WithStateFile
// it does nothing.
func WithStateSync() Option { return func(o *options) { o.stateSync = true } }

// WithAdmin configures the admin API; see AdminHandler.
func WithAdmin(a AdminConfig) Option { return func(o *options) { o.admin = a } }
