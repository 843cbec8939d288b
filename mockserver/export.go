package mockserver

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/keyfit/keyfit/mockserver/internal/redact"
)

// credentialPlace is where a vendor's credential stands, and the variable of the
// environment that keyfit run sets for it.
type credentialPlace struct {
	header, prefix, variable string
	spelt                    string // the header as the vendor writes it
	query                    string // instead of a header
	ofPair, basic            bool
}

// credentialPlaces are the headers of a vendor's keys. The journal does not say which scheme a
// hidden Authorization had, so it is taken for that of a key unless it was refused.
func credentialPlaces(rows []*vendor, p Provider) []credentialPlace {
	i := slices.IndexFunc(rows, func(v *vendor) bool { return v.provider == p })
	if i < 0 {
		return nil
	}
	suffix := map[credKind]string{credKey: "_API_KEY", credClient: "_CLIENT_KEY", credToken: "_USER_TOKEN"}
	var out []credentialPlace
	for k := range rows[i].carriers {
		c := &rows[i].carriers[k]
		if suffix[c.kind] == "" {
			continue
		}
		place := credentialPlace{header: c.header, variable: variablePrefix(p) + suffix[c.kind], query: c.query, ofPair: c.kind != credKey, basic: c.basic}
		if c.header != "" {
			place.spelt = c.spelt()
		}
		switch {
		case c.scheme != "":
			place.prefix = c.scheme + " "
		case c.cookie != "":
			place.header, place.spelt, place.prefix = "Cookie", "Cookie", c.cookie+"="
		}
		out = append(out, place)
	}
	return out
}

// variablePrefix is how the variables of a provider begin.
func variablePrefix(p Provider) string {
	return strings.ReplaceAll(strings.ToUpper(string(p)), "-", "_")
}

// unsent are headers that a client sets by itself.
func unsent(name string) bool {
	return slices.Contains([]string{"Content-Length", "Connection", "Accept-Encoding"}, name)
}

// target is path and query.
func (ex *Exchange) target() string {
	if ex.Query == "" {
		return ex.Path
	}
	return ex.Path + "?" + ex.Query
}

// cut reports whether the journal has only the beginning of a text.
func cut(text string) bool { return strings.HasSuffix(text, "[cut]") }

// Curl returns a command for a shell that sends the request again. It has no key: it
// takes address and key from the environment that keyfit run sets, such as
// $IMKIT_BASE_URL and $IMKIT_API_KEY. Its comments say what was left out. Of an API that
// WithAPI has defined it does not know where the key was; Server.Curl does.
func (ex *Exchange) Curl() string { return ex.curl(vendors()) }

// Curl is the exchange's Curl that knows the server's own APIs as well.
func (s *Server) Curl(ex *Exchange) string { return ex.curl(s.vendors) }

// curl is Curl with the table of a server.
func (ex *Exchange) curl(rows []*vendor) string {
	places := credentialPlaces(rows, ex.Provider)
	var notes []string
	args := []string{"curl --globoff"}
	if path.Clean(ex.Path) != strings.TrimSuffix(ex.Path, "/") && ex.Path != "/" {
		args[0] += " --path-as-is" // without, curl takes /../ and /./ out
	}
	switch {
	case ex.Method == http.MethodGet && ex.Body == "": // with a body, curl sends POST
	case ex.Method == http.MethodHead && ex.Body == "": // nor does it take one with --head
		args = append(args, "--head")
	default:
		args = append(args, "-X "+shellQuote(ex.Method))
	}
	base := variablePrefix(ex.Provider) + "_BASE_URL"
	if ex.Provider == "" {
		base = "BASE_URL"
	}
	address := `"$` + base + `"` + shellQuote(ex.target())
	for _, c := range places {
		if c.query != "" {
			address = strings.Replace(address, c.query+"="+redact.Mark, c.query+`='"$`+c.variable+`"'`, 1)
		}
	}
	args = append(args, address)
	headers, left := ex.curlHeaders(places)
	args = append(args, headers...)
	if len(left) > 0 {
		notes = append(notes, "without the headers "+strings.Join(left, ", "))
	}
	switch {
	case ex.Body == "":
	case plainText(ex.Body):
		args = append(args, "--data-raw "+shellQuote(ex.Body))
	default: // what no word of a shell holds, and no terminal should see
		args[0] = "printf '" + octal(ex.Body) + "' | " + args[0]
		args = append(args, "--data-binary @-")
	}
	if ex.Body != "" && ex.Header.Get("Content-Type") == "" {
		args = append(args, "-H 'Content-Type:'") // without, curl says that it is a form
	}
	if cut(ex.Body) {
		notes = append(notes, "the body is cut")
	}
	if strings.Contains(ex.Body+address, redact.Mark) {
		notes = append(notes, redact.Mark+" stands for what was removed")
	}
	var out strings.Builder
	fmt.Fprintf(&out, "# %d: %s\n", ex.ID, printable(ex.Diagnosis.String()))
	for _, note := range notes {
		out.WriteString("# " + printable(note) + "\n")
	}
	return out.String() + strings.Join(args, " \\\n  ") + "\n"
}

// plainText reports whether a text is a word of a shell and shows as it is.
func plainText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' && r != '\t' })
}

// octal writes bytes as printf(1) reads them.
func octal(s string) string {
	var out strings.Builder
	for _, b := range []byte(s) {
		fmt.Fprintf(&out, `\%03o`, b)
	}
	return out.String()
}

// curlHeaders returns the arguments for the headers, and the names of those whose values
// nobody knows.
func (ex *Exchange) curlHeaders(places []credentialPlace) (args, left []string) {
	for _, name := range sortedNames(ex.Header) {
		at := slices.IndexFunc(places, func(c credentialPlace) bool { return c.header == name })
		for _, value := range ex.Header[name] {
			switch {
			case unsent(name):
			case value == redact.Mark && at >= 0 && places[at].basic:
				args = append(args, `-u "$`+places[at].variable+`:"`)
			case value == redact.Mark && at >= 0:
				prefix, known := ex.schemeOf(&places[at])
				if !known {
					left = append(left, name)
					continue
				}
				args = append(args, `-H "`+places[at].spelt+": "+prefix+"$"+places[at].variable+`"`)
			case value == redact.Mark:
				left = append(left, name)
			default:
				args = append(args, "-H "+shellQuote(name+": "+value))
			}
		}
	}
	return args, left
}

// schemeOf returns what stood before the credential at a place; false if nobody knows. Of a
// request that was refused for its scheme, the diagnosis tells which it was.
func (ex *Exchange) schemeOf(place *credentialPlace) (prefix string, known bool) {
	if ex.Outcome != WrongScheme || place.header != "Authorization" {
		return place.prefix, true
	}
	if _, word, ok := strings.Cut(ex.Diagnosis.Sent, "with scheme `"); ok {
		return strings.TrimSuffix(word, "`") + " ", true
	}
	return "", strings.HasSuffix(ex.Diagnosis.Sent, "without a scheme")
}

func sortedNames(h http.Header) []string {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// shellQuote writes a text as one word of a shell.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// The parts of a HAR 1.2 document that a journal can fill.
type (
	harLog struct {
		Version string     `json:"version"`
		Creator harCreator `json:"creator"`
		Entries []harEntry `json:"entries"`
	}
	harCreator struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	harEntry struct {
		Started  string      `json:"startedDateTime"`
		Time     float64     `json:"time"` // milliseconds
		Request  harRequest  `json:"request"`
		Response harResponse `json:"response"`
		Cache    struct{}    `json:"cache"`
		Timings  harTimings  `json:"timings"`
		Comment  string      `json:"comment,omitempty"`
	}
	harTimings struct {
		Send    float64 `json:"send"`
		Wait    float64 `json:"wait"`
		Receive float64 `json:"receive"`
	}
	harField struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	harBody struct {
		MimeType string `json:"mimeType"`
		Text     string `json:"text"`
	}
	harRequest struct {
		Method      string     `json:"method"`
		URL         string     `json:"url"`
		HTTPVersion string     `json:"httpVersion"`
		Cookies     []harField `json:"cookies"`
		Headers     []harField `json:"headers"`
		Query       []harField `json:"queryString"`
		Body        *harBody   `json:"postData,omitempty"`
		HeadersSize int        `json:"headersSize"`
		BodySize    int        `json:"bodySize"`
	}
	harResponse struct {
		Status      int        `json:"status"`
		StatusText  string     `json:"statusText"`
		HTTPVersion string     `json:"httpVersion"`
		Cookies     []harField `json:"cookies"`
		Headers     []harField `json:"headers"`
		Content     harContent `json:"content"`
		RedirectURL string     `json:"redirectURL"`
		HeadersSize int        `json:"headersSize"`
		BodySize    int        `json:"bodySize"`
	}
	harContent struct {
		Size     int    `json:"size"`
		MimeType string `json:"mimeType"`
		Text     string `json:"text"`
	}
)

// HAR returns exchanges as an HTTP Archive (HAR 1.2), which browsers and proxies read.
// Credentials are redacted as in the journal.
func HAR(all []Exchange) ([]byte, error) {
	log := harLog{Version: "1.2", Creator: harCreator{"keyfit mock", "1"}, Entries: []harEntry{}}
	for i := range all {
		log.Entries = append(log.Entries, all[i].har())
	}
	data, err := json.MarshalIndent(map[string]harLog{"log": log}, "", " ")
	if err != nil {
		return nil, fmt.Errorf("mockserver: har: %w", err)
	}
	return append(data, '\n'), nil
}

func (ex *Exchange) har() harEntry {
	const version, unknown = "HTTP/1.1", -1
	host := "localhost"
	if ex.Provider != "" {
		host = string(ex.Provider) + ".localhost"
	}
	took := float64(ex.Duration.Std().Microseconds()) / 1000
	e := harEntry{
		Started: ex.At.Format("2006-01-02T15:04:05.000Z07:00"), Time: took, Timings: harTimings{Wait: took}, Comment: ex.Diagnosis.String(),
		Request: harRequest{
			Method: ex.Method, URL: "http://" + host + ex.target(), HTTPVersion: version, Cookies: []harField{},
			Headers: harFields(ex.Header), Query: []harField{}, HeadersSize: unknown, BodySize: len(ex.Body),
		},
		Response: harResponse{
			Status: ex.Status, StatusText: http.StatusText(ex.Status), HTTPVersion: version, Cookies: []harField{},
			Headers: harFields(ex.ResponseHeader), RedirectURL: ex.ResponseHeader.Get("Location"), HeadersSize: unknown, BodySize: unknown,
			Content: harContent{len(ex.ResponseBody), ex.ResponseHeader.Get("Content-Type"), ex.ResponseBody},
		},
	}
	if q, err := url.ParseQuery(ex.Query); err == nil {
		e.Request.Query = harFields(http.Header(q))
	}
	if ex.Body != "" {
		e.Request.Body = &harBody{ex.Header.Get("Content-Type"), ex.Body}
	}
	return e
}

func harFields(h http.Header) []harField {
	out := []harField{}
	for _, name := range sortedNames(h) {
		for _, value := range h[name] {
			out = append(out, harField{name, value})
		}
	}
	return out
}
