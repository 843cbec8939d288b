package mockserver

import (
	"bufio"
	"net/http"
	"net/url"
	"strings"
)

// diagnoseBody is a request to judge: as raw HTTP/1.1 text, or in parts. It is
// not journalled.
type diagnoseBody struct {
	Provider Provider `json:"provider" doc:"optional if the URL's host is the provider's"`
	Raw      string   `json:"raw"      doc:"the request as HTTP/1.1 writes it"`
	Method   string   `json:"method"   doc:"GET if absent"`
	URL      string   `json:"url"      doc:"a whole URL, or a path"`
	Headers  []string `json:"headers"  doc:"lines such as \"X-API-KEY: …\""`
}

// explanationView is the response that the request would get, and why.
type explanationView struct {
	Provider  Provider  `json:"provider"`
	Namespace string    `json:"namespace"`
	Diagnosis Diagnosis `json:"diagnosis"`
	Answer    *answered `json:"answer,omitempty"` // if refused
	Faults    []string  `json:"faults,omitempty"` // injected ones that may hit it
}

type answered struct {
	Status      int    `json:"status"`
	ContentType string `json:"contentType"`
	Body        string `json:"body"`
}

func adminDiagnose(c *adminCall) (any, error) {
	var in diagnoseBody
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	r, err := in.request()
	if err != nil {
		return nil, err
	}
	v, home := c.srv.vendorOf(r, c.ns)
	if in.Provider != "" {
		if _, err := c.srv.knownProvider(string(in.Provider)); err != nil {
			return nil, err
		}
		v = c.srv.vendor(in.Provider)
	}
	if v == nil {
		return nil, refused(http.StatusBadRequest, "the URL's host is not a provider's; give the provider too")
	}
	d, blame, n := c.srv.examine(v, home, r)
	view := explanationView{Provider: v.provider, Namespace: n.title(), Diagnosis: d}
	if d.Refused() || d.Outcome == NotFound {
		p := n.vendors[v.index].profile.Load()
		a := p.answer(d.Outcome, blame)
		contentType, body := p.render(a, seconds(d.RetryAfter))
		view.Answer = &answered{a.Status, contentType, string(body)}
	}
	f := facts{provider: v.provider, method: r.Method, path: r.URL.Path, keyID: d.KeyID}
	for _, i := range n.Injections() {
		if i.Match.request(&f) {
			view.Faults = append(view.Faults, i.ID+": "+i.Fault.String())
		}
	}
	return view, nil
}

// request builds the request to judge. Errors do not quote it.
func (diag *diagnoseBody) request() (*http.Request, error) {
	if diag.Raw != "" {
		if diag.URL != "" || diag.Method != "" || diag.Headers != nil {
			return nil, refused(http.StatusBadRequest, "give raw, or method, url and headers, not both")
		}
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.TrimLeft(diag.Raw, "\r\n ") + "\r\n\r\n")))
		if err != nil {
			return nil, refused(http.StatusBadRequest, "raw is not an HTTP/1.1 request; it starts with a line such as `GET /path HTTP/1.1`")
		}
		return r, nil
	}
	u, err := url.Parse(diag.URL)
	if err != nil || diag.URL == "" || u.Host == "" && !strings.HasPrefix(u.Path, "/") {
		return nil, refused(http.StatusBadRequest, "url is neither a URL nor a path")
	}
	r := &http.Request{Method: diag.Method, URL: u, Host: u.Host, Header: make(http.Header), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	for i, line := range diag.Headers {
		name, value, ok := strings.Cut(line, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return nil, refused(http.StatusBadRequest, "headers[%d] is not of the form `Name: value`", i)
		}
		name = strings.TrimSpace(name)
		if strings.EqualFold(name, "Host") {
			r.Host = strings.TrimSpace(value)
			continue
		}
		r.Header.Add(name, strings.TrimSpace(value))
	}
	if r.URL.Path == "" {
		r.URL.Path = "/"
	}
	return r, nil
}

// vendorOf finds the vendor whose host a request names, as ServeHTTP does, or
// whose open listener has its port.
func (s *Server) vendorOf(r *http.Request, home *Namespace) (*vendor, *Namespace) {
	if v := vendorForHost(s.vendors, r.Host); v != nil {
		return v, home
	}
	if v, name := namespaceHost(s.vendors, r.Host); v != nil {
		if n := s.existing(name); n != nil {
			return v, n
		}
		return v, home
	}
	_, port, _ := strings.Cut(r.Host, ":")
	for _, n := range s.Namespaces() {
		for p, origin := range n.urls() {
			if u, err := url.Parse(origin); err == nil && (u.Host == r.Host || u.Port() == port && strings.HasPrefix(r.Host, "localhost:")) {
				return s.vendor(p), n
			}
		}
	}
	return nil, home
}
