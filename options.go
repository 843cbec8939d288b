package keyfit

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Option configures a client, in [New] and [Client.With]. An invalid value or combination
// is an error there, not at the first call. Each [SharedOption] (a key, timeouts, retries) and
// each [KeyringOption] (hooks, a logger) is one too.
type Option interface {
	applyClient(*config) error
}

// CallOption configures one call, in [Get], [Send], [Items] and [Pages]. Each [SharedOption] (a
// key, timeouts, retries) is one too.
type CallOption interface {
	applyCall(*callConfig) error
}

// SharedOption is an [Option], which applies to all calls of a client, and a [CallOption],
// which applies to one.
type SharedOption interface {
	Option
	CallOption
}

// config collects the options of a client.
type config struct {
	given       []string // the options given so far, to find contradictions
	baseURL     string
	keys        Source
	ring        *Keyring
	ringOptions []keyringOption
	dotenv      string
	noDotenv    bool
	http        *http.Client // a copy
	httpGiven   *http.Client
	middleware  []middleware // of attempts
	around      []middleware // of calls
	observer    observer
	gate        Gate
	limit       *Limit
	maxInFlight int
	policy      RetryPolicy
	priority    Priority
	maxBody     int64
	userAgent   string
	allowHTTP   bool
	allowed     []operationList
	envPrefix   string
}

// contradicts reports whether two options set the same thing in two ways.
func contradicts(a, b string) bool {
	for _, set := range [...][]string{
		{"WithKey", "WithSource"},
		{"WithDotEnv", "WithoutDotEnv"},
		{"WithGate", "WithLimit"},
		{"WithGate", "WithMaxInFlight"},
		{"WithUserAgent", "WithAppName"},
		{"HoldCalls", "WithoutHoldCalls"},
	} {
		if slices.Contains(set, a) && slices.Contains(set, b) {
			return true
		}
	}
	return false
}

// once records that an option was given. It is an error if it was given before, or
// contradicts an earlier one.
func (cfg *config) once(name string) error {
	for _, given := range cfg.given {
		if given == name {
			return fmt.Errorf("the option %s is given twice", name)
		}
		if contradicts(given, name) {
			return fmt.Errorf("the options %s and %s exclude each other", given, name)
		}
	}
	cfg.given = append(cfg.given, name)
	return nil
}

type clientOption func(*config) error

func (o clientOption) applyClient(c *config) error { return o(c) }

// one returns an option that may be given once.
func one(name string, set func(*config) error) Option {
	return clientOption(func(c *config) error {
		if err := c.once(name); err != nil {
			return err
		}
		if err := set(c); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
}

type sharedOption struct {
	name   string
	client func(*config) error
	call   func(*callConfig) error
}

func (o sharedOption) applyClient(c *config) error   { return one(o.name, o.client).applyClient(c) }
func (o sharedOption) applyCall(c *callConfig) error { return wrapOption(o.name, o.call(c)) }

func wrapOption(name string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// WithBaseURL sets where the requests go: scheme, host, port, and a path if a gateway has one
// for the provider, as in https://gateway.example/imkit. The paths of calls are appended to
// it. The key goes to this origin alone, and there to nothing above or beside the path:
// everything else is [ErrCrossOrigin]. It takes precedence over [Provider.BaseURL], the
// environment and .env. Plain http is refused except for loopback addresses; see
// [WithAllowHTTP].
func WithBaseURL(raw string) Option {
	return one("WithBaseURL", func(c *config) error {
		_, err := parseBaseURL(raw)
		c.baseURL = raw
		return err
	})
}

// WithKey sets the key itself, for tests and small programs; the client then looks for no key
// in the environment, and reads no .env file. [Provider.EnvURL] in the process environment
// still holds. As a call option it sends one call with another key, under a limit of its
// own.
func WithKey(key string) SharedOption { return withKeys("WithKey", Static(APIKey(key))) }

// WithSource sets the source of the key; the client then looks for no other. A base URL in the
// process environment still holds, and one in .env if the source is that file; see
// [WithDotEnv].
//
// A [*Keyring] is used as it is, so several clients of one provider can share it and change
// their key together; for any other source the client creates its own keyring. As a call
// option it sends one call with another key, under a limit of its own. The source is then
// asked for each such call, unless it is a *Keyring, which can also rotate its key.
func WithSource(src Source) SharedOption { return withKeys("WithSource", src) }

func withKeys(name string, src Source) SharedOption {
	ring, isRing := src.(*Keyring)
	var err error
	if src == nil || isRing && ring == nil {
		err = errors.New("the source is nil")
	}
	return sharedOption{
		name:   name,
		client: func(c *config) error { c.keys, c.ring = src, ring; return err },
		call:   func(c *callConfig) error { c.keys = src; return err },
	}
}

// WithDotEnv sets the .env file that the client reads after the environment. The default is
// .env in the working directory. An empty path is an error; see [WithoutDotEnv].
//
// The base URL of a .env file holds only for a key of the same file, because such a file may
// have come with a directory: it must not redirect a key that somebody else gave. Otherwise it
// is ignored and reported as [BaseURLIgnored], or New fails if there is no other base URL. A
// client whose base URL is that of a .env file sends no other key there: its keyring takes
// none, from the source or from [Keyring.Rotate].
func WithDotEnv(path string) Option {
	return one("WithDotEnv", func(c *config) error {
		if path == "" {
			return errors.New("the path is empty")
		}
		c.dotenv = path
		return nil
	})
}

// WithoutDotEnv makes the client read the environment only.
func WithoutDotEnv() Option {
	return one("WithoutDotEnv", func(c *config) error { c.noDotenv = true; return nil })
}

// WithHTTPClient takes transport, redirect policy, cookie jar and timeout from hc, which is not
// changed. A nil Transport means, as in net/http, the one that hc has when a request is sent, or
// else http.DefaultTransport. The timeout becomes the [RetryPolicy.AttemptTimeout] unless that
// is set. The transport is below the key, as the middleware of [WithMiddleware] is.
func WithHTTPClient(hc *http.Client) Option {
	return one("WithHTTPClient", func(c *config) error {
		if hc == nil {
			return errors.New("the client is nil")
		}
		copied := *hc
		c.http, c.httpGiven = &copied, hc
		return nil
	})
}

// WithMiddleware wraps the connection pool; the first middleware given is the outermost. A
// middleware runs once per attempt, and is below the key: it sees the outgoing request with
// the key in its header or, with [Query], in its URL. It is responsible for what it records,
// and for where it sends the request, which is not checked again.
//
// What records requests belongs above the key: [WithCallMiddleware], or the Transport of
// [Client.HTTPClient]. The transport of OpenTelemetry writes the URL into a span, a recorder
// of test fixtures the whole request; the module interop has an example of each. A
// [net/http/httptrace.ClientTrace] may be added on both sides: it is not told the header
// fields with the key.
func WithMiddleware(wrap ...func(http.RoundTripper) http.RoundTripper) Option {
	return middlewareOption("WithMiddleware", func(c *config) *[]middleware { return &c.middleware }, wrap)
}

// WithLogger logs attempts (at debug level; warn if they fail), waits (info) and key events
// (info, or warn if somebody should look at them). By default nothing is logged. No line
// contains a key, a query or a body. As an option of [NewKeyring] it logs the key events; a
// client logs those of the ring that it creates, as [WithHooks] reports them.
func WithLogger(log *slog.Logger) KeyringOption {
	check := func() error {
		if log == nil {
			return errors.New("the logger is nil")
		}
		return nil
	}
	return observerOption{
		keyringOption: keyringOption{"WithLogger", func(c *keyringConfig) error {
			c.onEvent = append(c.onEvent, func(e KeyEvent) { e.log(log) })
			return check()
		}},
		client: func(c *config) error { c.observer.log = log; return check() },
	}
}

// WithHooks sets the functions that the client calls for its events. A ring that is created
// by [NewKeyring] calls [Hooks.Key] only, which must not be nil there. In a client that is
// given a *Keyring, and in [Client.With] without a new key, Hooks.Key has no effect: give
// the hook to [NewKeyring], or to the client that creates the ring. [Client.With] takes h in
// place of all functions that the client had.
func WithHooks(h Hooks) KeyringOption {
	return observerOption{
		keyringOption: keyringOption{"WithHooks", func(c *keyringConfig) error {
			if h.Key == nil {
				return errors.New("a keyring calls Hooks.Key only, and that is nil")
			}
			c.onEvent = append(c.onEvent, h.Key)
			return nil
		}},
		client: func(c *config) error { c.observer.hooks = h; return nil },
	}
}

// WithGate sets the gate, to share one among clients or to use another implementation.
func WithGate(g Gate) Option {
	return one("WithGate", func(c *config) error {
		if g == nil {
			return errors.New("the gate is nil")
		}
		c.gate = g
		return nil
	})
}

// WithLimit sets the limit to keep instead of the provider's published one: a share of it,
// for example, if several programs use the same key. Requests and Per must be positive.
func WithLimit(l Limit) Option {
	return one("WithLimit", func(c *config) error {
		if l.Requests <= 0 || l.Per <= 0 {
			return errors.New("the limit needs a positive number of requests and a positive time")
		}
		c.limit = &l
		return nil
	})
}

// WithMaxInFlight sets the largest number of attempts of an account that are in flight at
// once. By default what is in flight is bounded by what the responses teach alone: see
// [Gate]. n must be positive.
func WithMaxInFlight(n int) Option {
	return one("WithMaxInFlight", func(c *config) error {
		if n <= 0 {
			return errors.New("the number must be positive")
		}
		c.maxInFlight = n
		return nil
	})
}

// WithRetry sets the retry policy. A zero field means its default or, as an option of a call or
// of [Client.With], what the client has; [RetryPolicy] says more. Negative fields are an error.
func WithRetry(p RetryPolicy) SharedOption { return withPolicy("WithRetry", p, p.validate()) }

// WithMaxAttempts sets [RetryPolicy.MaxAttempts] alone: n attempts at most, the first included. n
// must be positive.
func WithMaxAttempts(n int) SharedOption {
	var err error
	if n <= 0 {
		err = errors.New("the number must be positive")
	}
	return withPolicy("WithMaxAttempts", RetryPolicy{MaxAttempts: n}, err)
}

// WithTimeout sets [RetryPolicy.AttemptTimeout] alone: how long each attempt may take, to the end
// of the response's body. A call as a whole is bounded by its context; [RetryPolicy.MaxElapsed]
// bounds when its last wait ends, and not the attempt after that. d must be positive.
func WithTimeout(d time.Duration) SharedOption {
	var err error
	if d <= 0 {
		err = errors.New("the timeout must be positive")
	}
	return withPolicy("WithTimeout", RetryPolicy{AttemptTimeout: d}, err)
}

// withPolicy returns an option that sets some fields of the policy; of two that set the same one
// the later holds.
func withPolicy(name string, p RetryPolicy, err error) SharedOption {
	p.Statuses = slices.Clone(p.Statuses)
	return sharedOption{
		name:   name,
		client: func(c *config) error { c.policy = p.over(c.policy); return err },
		call: func(c *callConfig) error {
			all := p
			if c.policy != nil {
				all = p.over(*c.policy)
			}
			c.policy = &all
			return err
		},
	}
}

// WithMaxResponseBytes sets the largest body, in bytes, that a typed call decodes. A larger
// one is [ErrTooLarge]; it is never truncated. The default is 10 MiB, and n must be
// positive. Raw responses of [Client.Do] are not limited.
func WithMaxResponseBytes(n int64) SharedOption {
	var err error
	if n <= 0 {
		err = errors.New("the limit must be positive")
	}
	return sharedOption{
		name:   "WithMaxResponseBytes",
		client: func(c *config) error { c.maxBody = n; return err },
		call:   func(c *callConfig) error { c.maxBody = n; return err },
	}
}

// WithAppName puts the name of the program before keyfit's in the User-Agent header, as in
// "shop/1.2 keyfit/[Version]", so that a provider can tell whose requests they are. The name
// is a word, or a word, a slash and a version (RFC 9110, section 10.1.5).
func WithAppName(name string) Option {
	return one("WithAppName", func(c *config) error {
		word, version, hasVersion := strings.Cut(name, "/")
		if !validToken(word) || hasVersion && !validToken(version) {
			return errors.New("the name is not a word, or a word, a slash and a version, as in shop/1.2")
		}
		c.userAgent = name + " " + defaultUserAgent
		return nil
	})
}

// WithUserAgent sets the whole User-Agent header. The default is keyfit/ followed by [Version].
func WithUserAgent(agent string) Option {
	return one("WithUserAgent", func(c *config) error {
		c.userAgent = agent
		return validHeaderValue(agent)
	})
}

// WithAllowHTTP allows the key to be sent over plain http to any host. It is for networks
// that something else encrypts; on others everybody on the path can read the key.
func WithAllowHTTP() Option {
	return one("WithAllowHTTP", func(c *config) error { c.allowHTTP = true; return nil })
}
