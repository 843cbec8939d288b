package main

import (
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/keyfit/keyfit/mockserver"
)

// curlRequest is a request as the admin API judges it.
type curlRequest struct {
	Provider mockserver.Provider `json:"provider,omitempty"`
	Method   string              `json:"method,omitempty"`
	URL      string              `json:"url"`
	Headers  []string            `json:"headers,omitempty"`
}

// curlOption is one option of curl, as far as it matters here.
type curlOption struct {
	short string
	long  []string
	value bool // takes one
	set   func(*curlParse, string)
}

type curlParse struct {
	curlRequest
	data []string
	get  bool
}

// curlOptions lists what people paste. Those without set change nothing about
// what is refused and why.
func curlOptions() []curlOption {
	header := func(p *curlParse, v string) { p.Headers = append(p.Headers, v) }
	data := func(p *curlParse, v string) { p.data = append(p.data, v) }
	named := func(name string) func(*curlParse, string) {
		return func(p *curlParse, v string) { p.Headers = append(p.Headers, name+": "+v) }
	}
	return []curlOption{
		{"H", []string{"header"}, true, header},
		{"X", []string{"request"}, true, func(p *curlParse, v string) { p.Method = v }},
		{"d", []string{"data", "data-raw", "data-ascii", "data-binary", "data-urlencode", "json"}, true, data},
		{"F", []string{"form", "form-string"}, true, data},
		{"T", []string{"upload-file"}, true, func(p *curlParse, _ string) { p.Method = "PUT" }},
		{"G", []string{"get"}, false, func(p *curlParse, _ string) { p.get = true }},
		{"I", []string{"head"}, false, func(p *curlParse, _ string) { p.Method = "HEAD" }},
		{"u", []string{"user"}, true, func(p *curlParse, v string) {
			p.Headers = append(p.Headers, "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(v)))
		}},
		{"A", []string{"user-agent"}, true, named("User-Agent")},
		{"e", []string{"referer"}, true, named("Referer")},
		{"b", []string{"cookie"}, true, named("Cookie")},
		{"", []string{"oauth2-bearer"}, true, func(p *curlParse, v string) { p.Headers = append(p.Headers, "Authorization: Bearer "+v) }},
		{"", []string{"url"}, true, func(p *curlParse, v string) { p.URL = v }},
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

// parseCurl reads a request from the arguments of curl. The word curl itself
// may stand before them.
func parseCurl(args []string) (*curlRequest, error) {
	if len(args) > 0 && args[0] == "curl" {
		args = args[1:]
	}
	p := &curlParse{}
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
			return nil, usage("there are two URLs; explain takes one request")
		default:
			p.URL = word
		}
	}
	return p.finish()
}

func (p *curlParse) long(name string, args []string) ([]string, error) {
	for _, o := range curlOptions() {
		for _, long := range o.long {
			if long != name {
				continue
			}
			if !o.value {
				p.apply(&o, "")
				return args, nil
			}
			if len(args) == 0 {
				return nil, usage("curl's --%s wants a value", name)
			}
			p.apply(&o, args[0])
			if name == "json" {
				p.Headers = append(p.Headers, "Content-Type: application/json")
			}
			return args[1:], nil
		}
	}
	return nil, usage("curl's option --%s is not understood here; leave it out", name)
}

// short reads a bundle such as "sSL" or "HName: value".
func (p *curlParse) short(bundle string, args []string) ([]string, error) {
next:
	for bundle != "" {
		for _, o := range curlOptions() {
			if o.short != bundle[:1] {
				continue
			}
			bundle = bundle[1:]
			if !o.value {
				p.apply(&o, "")
				continue next
			}
			if bundle == "" {
				if len(args) == 0 {
					return nil, usage("curl's -%s wants a value", o.short)
				}
				bundle, args = args[0], args[1:]
			}
			p.apply(&o, bundle)
			return args, nil
		}
		return nil, usage("one of curl's options after `-` is not understood here; leave it out")
	}
	return args, nil
}

func (p *curlParse) apply(o *curlOption, value string) {
	if o.set != nil {
		o.set(p, value)
	}
}

// finish fills in what curl would.
func (p *curlParse) finish() (*curlRequest, error) {
	if p.URL == "" {
		return nil, usage("the URL is missing; as in: keyfit explain -- curl -H 'X-API-KEY: …' URL")
	}
	if !strings.Contains(p.URL, "://") && !strings.HasPrefix(p.URL, "/") {
		p.URL = "http://" + p.URL
	}
	u, err := url.Parse(p.URL)
	if err != nil {
		return nil, usage("the URL cannot be parsed")
	}
	switch {
	case p.get && len(p.data) > 0:
		u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+strings.Join(p.data, "&"), "&")
		p.URL = u.String()
	case p.Method == "" && len(p.data) > 0:
		p.Method = "POST"
	}
	return &p.curlRequest, nil
}
