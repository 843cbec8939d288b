package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/flagvalue"
	"github.com/keyfit/keyfit/mockserver"
)

// settings are the settings of a mock. The configuration file uses the names of the flags;
// limits, profiles, keys and faults can be set only there.
type settings struct {
	scenarioSettings

	pipes pipes

	config        string
	addr          string
	admin         string
	adminHosts    []string
	tokenFile     string
	providers     []string
	apiFiles      []string
	validate      bool
	tls           bool
	caFile        string
	http1         bool
	seed          string
	freeze        string
	journal       string
	state         string
	readyFile     string
	noRateLimit   bool
	noSampleData  bool
	deliver       bool
	cors          []string
	noKeys        bool
	log           string
	grace         time.Duration
	unsafeBindAll bool
	publicURL     string
	sync          bool

	file   fileSettings
	apis   []mockserver.API // of apiFiles
	checks *requestChecks   // of validate
}

// fileSettings are the settings that only a configuration file has. A reload may change
// limits, profiles and faults.
type fileSettings struct {
	Limits   map[mockserver.Provider]mockserver.Limit   `json:"limits,omitempty"`
	Profiles map[mockserver.Provider]mockserver.Profile `json:"profiles,omitempty"`
	Keys     []json.RawMessage                          `json:"keys,omitempty"`
	Faults   []mockserver.FaultSpec                     `json:"faults,omitempty"`
}

// flags declares the flags with their defaults.
func (s *settings) flags(f *pflag.FlagSet) {
	f.StringVar(&s.config, "config", "", "read settings from this JSON `file`; SIGHUP reads it and the files of --api again")
	f.StringVar(&s.addr, "addr", "127.0.0.1:0", "`host:port` of the first provider; the others get the ports after it; port 0 picks free ports")
	f.StringVar(&s.admin, "admin", "127.0.0.1:0", "`host:port` of the admin API")
	f.StringSliceVar(&s.adminHosts, "admin-host", nil, "another host `name` that requests to the admin API may have")
	f.StringVar(&s.tokenFile, "admin-token-file", "", "read the admin token from this `file`, or write a new one there")
	f.StringSliceVar(&s.providers, "providers", nil, "imitate only these `providers` (default all)")
	f.StringArrayVar(&s.apiFiles, "api", nil, "imitate the API of this YAML or JSON `file` as well (docs/anyapi.md); may be repeated")
	f.BoolVar(&s.validate, "validate", false, "refuse requests that do not fit the OpenAPI document of their API")
	f.BoolVar(&s.tls, "tls", false, "serve https, with a certificate of a new CA")
	f.StringVar(&s.caFile, "ca-file", "", "write the CA's certificate to this `file`, and a trust store for Java to file.p12")
	f.BoolVar(&s.http1, "http1", false, "with --tls: no HTTP/2")
	f.StringVar(&s.seed, "seed", "", "derive keys and data from this `number`, so that every run has the same")
	f.StringVar(&s.freeze, "freeze", "", "start with the clock frozen at this `time`, for example 2027-01-31T00:00:00Z")
	f.StringVar(&s.journal, "journal", "2000,16MiB", "keep at most this many `requests,bytes`; 0,0 keeps none; counts stay exact")
	f.StringVar(&s.state, "state", "", "keep keys, clock, limits and faults in this JSON `file`")
	f.BoolVar(&s.sync, "sync", false, "with --state: save every write before it is answered")
	f.StringVar(&s.publicURL, "public-url", "", "announce this `URL`, for a mock in a container: http://mock.example, or a pattern such as https://{provider}.mocks.example or http://mock.example:{port}")
	f.StringVar(&s.readyFile, "ready-file", "", "when ready, write URLs, keys and the environment variables as JSON to this `file` (mode 0600)")
	f.BoolVar(&s.noRateLimit, "no-rate-limit", false, "remove every provider's rate limit")
	f.BoolVar(&s.noSampleData, "no-sample-data", false, "start IMKIT without its Lorem Fitsum users, rooms and messages")
	f.StringSliceVar(&s.cors, "cors", nil, "let browsers at this `origin` call the providers (\"*\" for all)")
	f.BoolVar(&s.deliver, "deliver-callbacks", false, "send callbacks and webhooks to loopback addresses, besides recording them")
	f.BoolVar(&s.noKeys, "no-keys", false, "issue no keys at the start")
	s.scenarioFlags(f)
	s.log, s.grace = "text", 5*time.Second
	flagvalue.Choice(f, &s.log, "log", []string{"text", "json", "off"}, "log refusals as `text|json|off` on stderr")
	flagvalue.Duration(f, &s.grace, "grace", 0, 0, "how long requests in flight may take to finish at the end")
	f.BoolVar(&s.unsafeBindAll, "unsafe-bind-all", false, "allow addresses that other machines can reach")
}

// load completes the settings from the configuration file. What a flag or a variable has set
// takes precedence.
func (s *settings) load(flags *pflag.FlagSet) error {
	if s.config != "" {
		data, err := readTextFile(s.config)
		if err != nil {
			return fmt.Errorf("config %s: %w", s.config, err)
		}
		if err := s.merge(flags, data); err != nil {
			return cli.UsageError{Err: fmt.Errorf("config %s: %w", s.config, err)}
		}
	}
	if err := s.loadAPIs(); err != nil {
		return err
	}
	if err := s.loadScenario(); err != nil {
		return err
	}
	return s.check()
}

// loadAPIs reads the files of --api.
func (s *settings) loadAPIs() error {
	s.apis = nil
	all := make(map[mockserver.Provider]mockserver.RequestCheck)
	for _, path := range s.apiFiles {
		described, err := s.pipes.describe(path)
		if err != nil {
			return cli.UsageError{Err: fmt.Errorf("--api: %w", err)}
		}
		s.apis = append(s.apis, described.API)
		all[described.API.Name] = described.Check
	}
	if err := s.loadChecks(all); err != nil {
		return fmt.Errorf("--validate: %w", err)
	}
	if err := tried(mockserver.WithAPI(s.apis...)); err != nil {
		return cli.UsageError{Err: fmt.Errorf("--api: %w", err)}
	}
	return nil
}

// known lists the providers that can be imitated.
func (s *settings) known() []mockserver.Provider {
	all := mockserver.Providers()
	for i := range s.apis {
		all = append(all, s.apis[i].Name)
	}
	return all
}

// fileMembers are the settings that only a configuration file has.
func fileMembers() []string { return []string{"limits", "profiles", "keys", "faults"} }

func (s *settings) merge(flags *pflag.FlagSet, data []byte) error {
	var members map[string]json.RawMessage
	if err := decodeStrict(data, &members); err != nil {
		return err
	}
	lists := make(map[string]json.RawMessage)
	for name, raw := range members {
		if slices.Contains(fileMembers(), name) {
			lists[name] = raw
			continue
		}
		f := flags.Lookup(name)
		if f == nil || slices.Contains([]string{"config", "help", "json"}, name) {
			return unknownSetting(flags, name)
		}
		text, err := settingText(raw)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if f.Changed {
			continue
		}
		if err := setFromFile(flags, f, raw, text); err != nil {
			if wrong, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
				return valueError(name, wrong)
			}
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	own, err := json.Marshal(lists)
	if err != nil {
		return fmt.Errorf("lists: %w", err)
	}
	return decodeStrict(own, &s.file)
}

// setFromFile sets a flag to a member of the configuration file.
func setFromFile(flags *pflag.FlagSet, f *pflag.Flag, raw json.RawMessage, text string) error {
	var list []string
	if f.Value.Type() != "stringArray" || json.Unmarshal(raw, &list) != nil {
		return flags.Set(f.Name, text) //nolint:wrapcheck // the caller says where it stands
	}
	for _, one := range list { // such a flag does not cut its value at commas
		if err := flags.Set(f.Name, one); err != nil {
			return err //nolint:wrapcheck // the caller says where it stands
		}
	}
	return nil
}

// unknownSetting names the setting that was probably meant.
func unknownSetting(flags *pflag.FlagSet, name string) error {
	wrong := &cli.ValueError{Value: name, Want: "a setting: it has the name of a flag without --, or is one of limits, profiles, keys, faults"}
	known := fileMembers()
	flags.VisitAll(func(f *pflag.Flag) {
		if !slices.Contains([]string{"config", "help", "json"}, f.Name) {
			known = append(known, f.Name)
		}
	})
	wrong.Nearest = cli.Nearest(name, known)
	return wrong
}

// settingText formats a JSON value as the text that a flag takes.
func settingText(raw json.RawMessage) (string, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return "", fmt.Errorf("decode: %w", err)
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case json.Number:
		return v.String(), nil
	case []any:
		var parts []string
		for _, x := range v {
			s, ok := x.(string)
			if !ok {
				return "", errors.New("is a list with something other than text")
			}
			parts = append(parts, s)
		}
		return strings.Join(parts, ","), nil
	}
	return "", errors.New("is neither text, number, true or false, nor a list of text")
}

// check returns an error for wrong settings, before anything is started or replaced.
func (s *settings) check() error {
	for _, name := range s.providers {
		if _, err := flagvalue.Find(name, names(s.known())); err != nil {
			return cli.At("--providers", cli.At("PROVIDER", err))
		}
	}
	for flag, addr := range map[string]string{"addr": s.addr, "admin": s.admin} {
		if err := s.checkAddr(flag, addr); err != nil {
			return err
		}
	}
	if err := s.file.check(s.known()); err != nil {
		return cli.UsageError{Err: fmt.Errorf("config %s: %w", s.config, err)}
	}
	_, err := s.options()
	return err
}

// check returns an error for names and faults that are wrong.
func (f *fileSettings) check(known []mockserver.Provider) error {
	for _, p := range slices.Sorted(maps.Keys(f.Limits)) {
		if !slices.Contains(known, p) {
			return cli.Unknown("limits: the provider", string(p), names(known))
		}
	}
	for _, p := range slices.Sorted(maps.Keys(f.Profiles)) {
		if !slices.Contains(known, p) {
			return cli.Unknown("profiles: the provider", string(p), names(known))
		}
	}
	for i := range f.Faults {
		if err := f.Faults[i].ValidFor(known); err != nil {
			return fmt.Errorf("faults[%d]: %w", i, err)
		}
	}
	return nil
}

func (s *settings) checkAddr(flag, addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return cli.At("--"+flag, &cli.ValueError{Value: addr, Want: "host:port, such as 127.0.0.1:0"})
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n > 65535-8 && flag == "addr" {
		return cli.At("--"+flag, &cli.ValueError{Value: addr, Want: "host:port with a port from 0 to 65535 (65527 for --addr: a provider each takes the next)"})
	}
	ip := net.ParseIP(host)
	if host != "localhost" && (ip == nil || !ip.IsLoopback()) && !s.unsafeBindAll {
		return cli.Usagef("--%s %q can be reached from other machines; if that is intended, give --unsafe-bind-all", flag, addr)
	}
	return nil
}

// options returns the settings as options of the mock's library.
func (s *settings) options() ([]mockserver.Option, error) {
	opts := append(s.reloadable(), mockserver.WithAPI(s.apis...))
	if s.validate {
		for _, p := range s.played() {
			opts = append(opts, mockserver.WithRequestCheck(p, s.checks.of(p)))
		}
	}
	if s.tls {
		opts = append(opts, mockserver.WithTLS())
	}
	if s.http1 {
		opts = append(opts, mockserver.WithoutHTTP2())
	}
	if s.seed != "" {
		n, err := strconv.ParseUint(s.seed, 10, 64)
		if err != nil {
			return nil, cli.At("--seed", &cli.ValueError{Value: s.seed, Want: "a whole number from 0 to 18446744073709551615"})
		}
		opts = append(opts, mockserver.WithSeed(n))
	}
	if s.freeze != "" {
		at, err := flagvalue.ParseTime(s.freeze)
		if err != nil {
			return nil, cli.At("--freeze", err)
		}
		opts = append(opts, mockserver.WithFrozenClock(at))
	}
	if s.publicURL != "" {
		public := mockserver.WithPublicURL(s.publicURL)
		if err := tried(public); err != nil {
			return nil, cli.At("--public-url", err)
		}
		opts = append(opts, public)
	}
	if s.sync && s.state == "" {
		return nil, cli.Usagef("--sync is for a mock with --state")
	}
	if s.sync {
		opts = append(opts, mockserver.WithStateSync())
	}
	entries, size, err := parseJournal(s.journal)
	if err != nil {
		return nil, err
	}
	opts = append(opts, mockserver.WithJournal(entries, size))
	if s.state != "" {
		opts = append(opts, mockserver.WithStateFile(s.state))
	}
	if s.noSampleData {
		opts = append(opts, mockserver.WithoutSampleData())
	}
	if s.deliver {
		opts = append(opts, mockserver.WithCallbackDelivery())
	}
	if len(s.cors) > 0 {
		cors := mockserver.WithCORS(s.cors...)
		if err := tried(cors); err != nil {
			return nil, cli.At("--cors", err)
		}
		opts = append(opts, cors)
	}
	return opts, nil
}

// reloadable returns the options that a reload may change.
func (s *settings) reloadable() []mockserver.Option {
	var opts []mockserver.Option
	for p, l := range s.file.Limits {
		opts = append(opts, mockserver.WithLimit(p, l))
	}
	if s.noRateLimit {
		opts = append(opts, mockserver.WithoutRateLimits())
	}
	for p, profile := range s.file.Profiles {
		opts = append(opts, mockserver.WithProfile(p, profile))
	}
	return opts
}

// parseJournal reads "2000,16MiB": how many requests the journal keeps, and how many bytes.
func parseJournal(s string) (entries, size int, err error) {
	const maxSize = int64(1) << 40
	wrong := cli.At("--journal", &cli.ValueError{Value: s, Want: "a number of requests and of bytes, such as 2000,16MiB"})
	count, bytesText, ok := strings.Cut(s, ",")
	if !ok {
		bytesText = "16MiB"
	}
	if entries, err = strconv.Atoi(strings.TrimSpace(count)); err != nil || entries < 0 {
		return 0, 0, wrong
	}
	number, unit := strings.TrimSpace(bytesText), int64(1)
	for _, u := range []struct {
		name string
		size int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}} {
		if rest, ok := strings.CutSuffix(number, u.name); ok {
			number, unit = strings.TrimSpace(rest), u.size
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > min(maxSize, math.MaxInt)/unit { // an int has 32 bits on some systems
		return 0, 0, wrong
	}
	return entries, int(n * unit), nil
}

// fixed returns the settings that a reload cannot change, by the name of the flag.
func (s *settings) fixed() map[string]string {
	return map[string]string{
		"addr": s.addr, "admin": s.admin, "admin-host": strings.Join(s.adminHosts, ","), "admin-token-file": s.tokenFile,
		"providers": strings.Join(s.providers, ","), "api": strings.Join(s.apiFiles, ","), "validate": strconv.FormatBool(s.validate), "tls": strconv.FormatBool(s.tls), "ca-file": s.caFile,
		"http1": strconv.FormatBool(s.http1), "seed": s.seed, "freeze": s.freeze, "journal": s.journal, "state": s.state,
		"ready-file": s.readyFile, "public-url": s.publicURL, "sync": strconv.FormatBool(s.sync), "key-files": s.keyFiles, "speed": strconv.FormatInt(s.speed, 10), "no-keys": strconv.FormatBool(s.noKeys), "log": s.log, "grace": s.grace.String(),
	}
}

// tried returns the error of a server with this option, without the package's name.
func tried(opt mockserver.Option) error {
	srv, err := mockserver.NewHandler(opt)
	if err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "mockserver: "))
	}
	return srv.Close() // it has stored nothing
}
