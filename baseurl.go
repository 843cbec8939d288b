package keyfit

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// baseURL is what the places say about where a client sends its requests.
type baseURL struct {
	url *url.URL // of the option, the process environment or the provider; nil if none of them has one

	// A .env file may redirect the keys that it has itself, and no other: it comes with the
	// working directory, which may be a stranger's.
	dotenv string // the path of the .env file that has a base URL; "" if none has one
	raw    string // what stands there
	place  string // and where exactly
	broken error  // why the file cannot be read; nil if it can, or is not there
}

// base finds the base URL: that of the option, otherwise of the environment, otherwise of
// .env, otherwise of the provider. With [WithKey] the .env file is not read.
func (cfg *config) base(p *Provider) (baseURL, error) {
	if cfg.baseURL != "" {
		u, err := parseBaseURL(cfg.baseURL)
		return baseURL{url: u}, err
	}
	var found baseURL
	raw, place := p.BaseURL, "the provider"
	if p.EnvURL != "" {
		lookup, err := environment{}.load()
		if err != nil {
			return baseURL{}, err
		}
		if value, ok := lookup(p.EnvURL); ok && strings.TrimSpace(value) != "" {
			raw, place = strings.TrimSpace(value), environment{}.place(p.EnvURL)
		} else if !cfg.noDotenv && !slices.Contains(cfg.given, "WithKey") {
			found.readDotEnv(cfg.dotEnvFile(), p.EnvURL)
		}
	}
	if raw == "" && found.dotenv == "" {
		return baseURL{}, cfg.noBase(p, found.broken)
	}
	if raw == "" {
		return found, nil
	}
	u, err := parseBaseURL(raw)
	if err != nil {
		return baseURL{}, fmt.Errorf("%s: %w", place, err)
	}
	found.url = u
	return found, nil
}

// noBase says that no place has a base URL, and why a .env file that may have one was not read.
func (cfg *config) noBase(p *Provider, broken error) error {
	switch {
	case broken != nil:
		return fmt.Errorf("no base URL: set %s in the environment or use WithBaseURL; %w", p.EnvURL, broken)
	case p.EnvURL == "":
		return errors.New("no base URL: set Provider.BaseURL or use WithBaseURL")
	case slices.Contains(cfg.given, "WithKey"):
		return fmt.Errorf("no base URL: set %s in the environment or use WithBaseURL; with WithKey no .env file is read", p.EnvURL)
	}
	return fmt.Errorf("no base URL: set %s or use WithBaseURL", p.EnvURL)
}

// readDotEnv reads the base URL of a .env file. One that cannot be read is as good as none, because
// only its own keys need its URL: if the key comes from there, the key's error says it.
func (found *baseURL) readDotEnv(file dotEnvFile, name string) {
	lookup, err := file.load()
	switch {
	case errors.Is(err, ErrNoKey): // it is not there
		return
	case err != nil:
		found.broken = &sourceError{file.path, err}
		return
	}
	if value, ok := lookup(name); ok && strings.TrimSpace(value) != "" {
		found.dotenv, found.raw, found.place = file.path, strings.TrimSpace(value), file.place(name)
	}
}

// reportDotEnv reports that a .env file that cannot be read was not needed.
func (c *Client) reportDotEnv(cfg *config, b baseURL) {
	if b.broken == nil {
		return
	}
	cred := credentialOf(c.ring.engine.Load().Pick(true).Key)
	cfg.observer.key(KeyEvent{Kind: DotEnvIgnored, Time: time.Now(), Provider: c.provider.Name, Fingerprint: cred.Fingerprint(), Reason: b.broken.Error()})
}

// settleBase decides whether the base URL of a .env file holds, for which the key has to be
// known: it creates the ring.
func (c *Client) settleBase(cfg *config, b baseURL) error {
	c.base = b.url
	if b.dotenv == "" {
		return nil
	}
	var err error
	if c.ring, err = c.newRing(*cfg, b.dotenv); err != nil {
		return c.named(err)
	}
	cred := credentialOf(c.ring.engine.Load().Pick(true).Key)
	if cred.from.dotenv != b.dotenv {
		return c.ignoreBase(cfg, b, cred)
	}
	if c.base, err = parseBaseURL(b.raw); err != nil {
		return fmt.Errorf("%s: %s: %w", c.provider.Name, b.place, err)
	}
	c.keysOf = b.dotenv
	return nil
}

// ignoreBase reports that the base URL of a .env file is not used. It is an error if there is
// no other.
func (c *Client) ignoreBase(cfg *config, b baseURL, cred Credential) error {
	why := fmt.Sprintf("%s holds only for a key of that file, and the key is from another place: %s", b.place, cred.placeOr())
	if c.base == nil {
		return fmt.Errorf("%s: no base URL: %s; set %s in the environment or use WithBaseURL", c.provider.Name, why, c.provider.EnvURL)
	}
	c.ignored = "ignored: " + why // for the errors of calls: a program may have neither logger nor hooks
	cfg.observer.key(KeyEvent{Kind: BaseURLIgnored, Time: time.Now(), Provider: c.provider.Name, Fingerprint: cred.Fingerprint(), Reason: why})
	return nil
}

// mayCarry returns an error if the client's base URL is that of a .env file and the key in use
// is from another place.
func (c *Client) mayCarry(ring *Keyring) error {
	if err := belongsTo(c.keysOf, credentialOf(ring.engine.Load().Pick(true).Key)); err != nil {
		return fmt.Errorf("%s: %w: set %s in the environment or use WithBaseURL", c.provider.Name, err, c.provider.EnvURL)
	}
	return nil
}

// belongsTo returns an error if a .env file names the base URL and a credential is from another
// place. The name of the file is "" if the URL is not that of a .env file. The credential is
// looked at when the client gets it and again when it is sent: a ring that others share, or
// that rotates, has other keys later.
func belongsTo(dotenv string, cred Credential) error {
	if dotenv == "" || cred.from.dotenv == dotenv {
		return nil
	}
	return fmt.Errorf("%s names the base URL, which holds for keys of that file only, and not for %s", dotenv, cred.placeOr())
}

// BaseURL returns where the client sends its requests, without a slash at the end: scheme, host,
// port if it is given, and the path that comes before the paths of calls, if there is one. It
// is what a generated client needs as its server.
func (c *Client) BaseURL() string { return c.base.String() }

// errBasePath is the error of a path that two servers may read differently.
var errBasePath = errors.New("the path of the base URL has a dot segment, an empty segment, a parameter or an escaped slash, backslash or percent sign: give plain segments, as in https://gateway.example/imkit")

// parseBaseURL checks a base URL and returns it without what means nothing: a slash at its end,
// leading zeros of the port. Its errors say what is wrong without quoting the URL, which may
// be a key that was pasted by mistake.
func parseBaseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, errors.New("the base URL cannot be parsed")
	case u.Scheme != "" && u.Host != "" && u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("the scheme of the base URL must be https (or http on this machine)")
	case u.Scheme == "" || u.Host == "" || u.Hostname() == "":
		return nil, errors.New("the base URL needs a scheme and a host, as in https://api.example.com")
	case u.User != nil:
		return nil, errors.New("the base URL has user information in it: keys come from a source, not from the URL")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("the base URL has a query or fragment: give scheme, host, port and path alone")
	}
	host, err := dialableHost(u)
	if err != nil {
		return nil, err
	}
	path, raw, err := basePath(u)
	if err != nil {
		return nil, err
	}
	return &url.URL{Scheme: u.Scheme, Host: host, Path: path, RawPath: raw}, nil
}

// dialableHost returns the host and port of a base URL if net/http dials them as they are
// written.
func dialableHost(u *url.URL) (string, error) {
	name := u.Hostname()
	for i := range len(name) {
		if name[i] >= 0x80 {
			return "", errors.New("the host of the base URL has characters that are not ASCII: give its ASCII form, which begins with xn--")
		}
	}
	host := name
	if strings.Contains(name, ":") || strings.HasPrefix(u.Host, "[") {
		if addr, err := netip.ParseAddr(name); err != nil || !addr.Is6() {
			return "", errors.New("the base URL has brackets or colons around something that is not an IPv6 address")
		}
		host = "[" + name + "]"
	} else if strings.ContainsFunc(name, isNotOfHostName) {
		return "", errors.New("the host of the base URL is not a host name: letters, digits, dots and hyphens")
	}
	if u.Port() == "" {
		return host, nil
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil || port == 0 {
		return "", errors.New("the port of the base URL is not a number from 1 to 65535")
	}
	return host + ":" + strconv.FormatUint(port, 10), nil
}

func isNotOfHostName(r rune) bool {
	alnum := '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	return !alnum && r != '.' && r != '-' && r != '_'
}
