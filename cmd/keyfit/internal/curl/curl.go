// Package curl reads an HTTP request from the arguments of a curl command. Nothing is sent.
package curl

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/keyfit/keyfit/mockserver"
)

// Request is a request as the admin API judges it.
type Request struct {
	Provider mockserver.Provider `json:"provider,omitempty"`
	Method   string              `json:"method,omitempty"`
	URL      string              `json:"url"`
	Headers  []string            `json:"headers,omitempty"`
}

// option is one option of curl, as far as it matters here.
type option struct {
	short string
	long  []string
	value bool // takes a value
	set   func(*command, string)
}

// command is a curl command while it is read.
type command struct {
	Request
	data []string // of -d, -F and the like
	get  bool     // -G: the data goes into the query
}

// options lists the options that people paste. Those without set change nothing about what is
// refused and why.
func options() []option {
	header := func(p *command, v string) { p.Headers = append(p.Headers, v) }
	data := func(p *command, v string) { p.data = append(p.data, v) }
	named := func(name string) func(*command, string) {
		return func(p *command, v string) { p.Headers = append(p.Headers, name+": "+v) }
	}
	return []option{
		{"H", []string{"header"}, true, header},
		{"X", []string{"request"}, true, func(p *command, v string) { p.Method = v }},
		{"d", []string{"data", "data-raw", "data-ascii", "data-binary", "data-urlencode", "json"}, true, data},
		{"F", []string{"form", "form-string"}, true, data},
		{"T", []string{"upload-file"}, true, func(p *command, _ string) { p.Method = "PUT" }},
		{"G", []string{"get"}, false, func(p *command, _ string) { p.get = true }},
		{"I", []string{"head"}, false, func(p *command, _ string) { p.Method = "HEAD" }},
		{"u", []string{"user"}, true, func(p *command, v string) {
			p.Headers = append(p.Headers, "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(v)))
		}},
		{"A", []string{"user-agent"}, true, named("User-Agent")},
		{"e", []string{"referer"}, true, named("Referer")},
		{"b", []string{"cookie"}, true, named("Cookie")},
		{"", []string{"oauth2-bearer"}, true, func(p *command, v string) { p.Headers = append(p.Headers, "Authorization: Bearer "+v) }},
		{"", []string{"url"}, true, func(p *command, v string) { p.URL = v }},
		{"o", []string{"output"}, true, nil},
		{"w", []string{"write-out"}, true, nil},
		{"m", []string{"max-time", "connect-timeout", "retry", "retry-delay", "retry-max-time", "cacert", "resolve", "cert", "key", "proxy", "max-redirs"}, true, nil},
		{"x", nil, true, nil},
		{"E", nil, true, nil},
		{"D", []string{"dump-header"}, true, nil},
		{"s", []string{"silent"}, false, nil},
		{"S", []string{"show-error"}, false, nil},
		{"i", []string{"include"}, false, nil},
		{"v", []string{"verbose"}, false, nil},
		{"k", []string{"insecure"}, false, nil},
		{"L", []string{"location"}, false, nil},
		{"f", []string{"fail", "fail-with-body", "compressed", "http1.1", "http2", "no-buffer", "globoff", "progress-bar"}, false, nil},
		{"N", nil, false, nil},
		{"g", nil, false, nil},
		{"O", nil, false, nil},
		{"4", []string{"ipv4"}, false, nil},
		{"6", []string{"ipv6"}, false, nil},
	}
}

// Parse reads a request from the arguments of curl, with or without the word curl before
// them. An error names an option at most, never a value: a header may hold a key.
func Parse(args []string) (*Request, error) {
	if len(args) > 0 && args[0] == "curl" {
		args = args[1:]
	}
	p := &command{}
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		switch {
		case strings.HasPrefix(word, "--") && len(word) > 2:
			rest, err := p.long(word[2:], args)
			if err != nil {
				return nil, err
			}
			args = rest
		case strings.HasPrefix(word, "-") && len(word) > 1 && word != "--":
			rest, err := p.short(word[1:], args)
			if err != nil {
				return nil, err
			}
			args = rest
		case word == "--":
		case p.URL != "":
			return nil, errors.New("there are two URLs instead of one; a method such as GET is given with -X")
		default:
			p.URL = word
		}
	}
	return p.finish()
}

func (c *command) long(name string, args []string) ([]string, error) {
	for _, o := range options() {
		for _, long := range o.long {
			if long != name {
				continue
			}
			if !o.value {
				c.apply(&o, "")
				return args, nil
			}
			if len(args) == 0 {
				return nil, fmt.Errorf("curl's --%s needs a value", name)
			}
			c.apply(&o, args[0])
			if name == "json" {
				c.Headers = append(c.Headers, "Content-Type: application/json")
			}
			return args[1:], nil
		}
	}
	return nil, fmt.Errorf("curl's option --%s is not known here; leave it out", name)
}

// short reads a bundle such as "sSL" or "HName: value".
func (c *command) short(bundle string, args []string) ([]string, error) {
next:
	for bundle != "" {
		for _, o := range options() {
			if o.short != bundle[:1] {
				continue
			}
			bundle = bundle[1:]
			if !o.value {
				c.apply(&o, "")
				continue next
			}
			if bundle == "" {
				if len(args) == 0 {
					return nil, fmt.Errorf("curl's -%s needs a value", o.short)
				}
				bundle, args = args[0], args[1:]
			}
			c.apply(&o, bundle)
			return args, nil
		}
		return nil, errors.New("one of curl's options after `-` is not known here; leave it out")
	}
	return args, nil
}

func (c *command) apply(o *option, value string) {
	if o.set != nil {
		o.set(c, value)
	}
}

// finish completes the request as curl does.
func (c *command) finish() (*Request, error) {
	if c.URL == "" {
		return nil, errors.New("the URL is missing; for example: keyfit explain -- curl -H 'X-API-KEY: …' URL")
	}
	if !strings.Contains(c.URL, "://") && !strings.HasPrefix(c.URL, "/") {
		c.URL = "http://" + c.URL
	}
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, errors.New("the URL cannot be parsed")
	}
	switch {
	case c.get && len(c.data) > 0:
		u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+strings.Join(c.data, "&"), "&")
		c.URL = u.String()
	case c.Method == "" && len(c.data) > 0:
		c.Method = "POST"
	}
	return &c.Request, nil
}
