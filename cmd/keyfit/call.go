package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/keyfit/keyfit"
)

// callSettings are the flags of call. There is none for the key: what stands on a command
// line is in the shell's history and in the process list.
type callSettings struct {
	checkSettings
	baseURL string
	data    string
	headers []string
	params  []string
	verbose bool
}

func (a *app) callCommand() *cobra.Command {
	var s callSettings
	cmd := &cobra.Command{
		Use: "call VENDOR METHOD PATH", Short: "Send one request with the vendor's key attached",
		Long: `call sends one request with the key that the environment or .env has, and prints
the answer's body. The key is no argument, so it is not in the shell's history, and
it is taken out of what is printed, also where the server echoes it.

Exit code: 0 the answer is 2xx, 1 it is not or there is none, 2 not understood.`,
		Example: "  keyfit call mindkey GET /ping\n" +
			"  keyfit call imkit GET /admin/clients --param limit=5 -v\n" +
			"  keyfit call imkit POST /admin/clients --data @user.json\n" +
			"  jq -n '{id: \"user001\"}' | keyfit call imkit POST /admin/clients --data -",
		Args: between(3, "VENDOR", "METHOD", "PATH"),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			switch len(args) {
			case 0:
				return vendorNames(), cobra.ShellCompDirectiveNoFileComp
			case 1:
				return []string{"GET", "POST", "PUT", "PATCH", "DELETE"}, cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.check(cmd); err != nil {
				return err
			}
			v, err := parseVendor(args[0])
			if err != nil {
				return err
			}
			if strings.Trim(args[1], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") != "" || args[1] == "" {
				return usage("METHOD must be a word such as GET")
			}
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			ctx, cancel := context.WithTimeout(ctx, s.timeout)
			defer cancel()
			return a.callVendor(ctx, cmd.Flags().Changed("data"), &v, &s, strings.ToUpper(args[1]), args[2])
		},
	}
	s.flags(cmd, time.Minute)
	f := cmd.Flags()
	f.StringVar(&s.baseURL, "base-url", "", "the vendor's address, as `https://host`, in place of its variable")
	f.StringVarP(&s.data, "data", "d", "", "the body: `JSON`, @FILE, or - for the standard input")
	f.StringArrayVarP(&s.headers, "header", "H", nil, "a header, as `'Name: value'`; may be given again")
	f.StringArrayVarP(&s.params, "param", "p", nil, "a query parameter, as `name=value`; may be given again")
	f.BoolVarP(&s.verbose, "verbose", "v", false, "say on the standard error what was sent and how it was answered")
	return cmd
}

// callVendor finds the key, sends the request and prints the answer.
func (a *app) callVendor(ctx context.Context, hasData bool, v *vendor, s *callSettings, method, path string) error {
	ring, _, err := v.keys(ctx, s.dotenv)
	if err != nil {
		return fmt.Errorf("%w; set %s", err, v.variables())
	}
	if err := s.keepsKeysOut(v, ring, path); err != nil {
		return err
	}
	opts, err := s.options()
	if err != nil {
		return err
	}
	var body any
	if hasData {
		content, kind, err := a.body(s)
		if err != nil {
			return err
		}
		body = content
		if kind != "" {
			opts = append(opts, keyfit.WithHeader("Content-Type", kind))
		}
	}
	made := []keyfit.Option{keyfit.WithSource(ring), keyfit.WithDotEnv(s.dotenv)}
	if s.baseURL != "" {
		made = append(made, keyfit.WithBaseURL(s.baseURL))
	}
	c, err := keyfit.New(v.provider, made...)
	if err != nil {
		return fmt.Errorf("%w; set %s or give --base-url", err, v.provider.EnvURL)
	}
	// Accept first: what the user says comes after it and wins.
	opts = slices.Insert(opts, 0, keyfit.WithHeader("Accept", "application/json, */*;q=0.5"))
	return a.send(ctx, c, s.verbose, method, path, body, opts)
}

// options are the headers and parameters of the command line.
func (s *callSettings) options() ([]keyfit.CallOption, error) {
	var opts []keyfit.CallOption
	for _, h := range s.headers {
		name, value, ok := strings.Cut(h, ":")
		if !ok {
			return nil, usage("--header %q is not as 'Name: value'", h)
		}
		opts = append(opts, keyfit.WithHeader(strings.TrimSpace(name), strings.TrimSpace(value)))
	}
	for _, p := range s.params {
		name, value, ok := strings.Cut(p, "=")
		if !ok || name == "" {
			return nil, usage("--param %q is not as name=value", p)
		}
		opts = append(opts, keyfit.Param(name, value))
	}
	return opts, nil
}

// keepsKeysOut refuses a key on the command line. It does not repeat it.
func (s *callSettings) keepsKeysOut(v *vendor, ring *keyfit.Keyring, path string) error {
	const instead = "keys are no arguments, since those stay in the shell's history: set %s"
	u, err := url.Parse(path)
	switch {
	case err != nil || u.Host != "" || u.User != nil || !strings.HasPrefix(path, "/"):
		return usage("PATH must be as /path?query, without host")
	case slices.ContainsFunc(slices.Collect(maps.Keys(u.Query())), func(name string) bool { return v.carries("", name) }):
		return usage("PATH holds a credential: "+instead, v.variables())
	}
	for _, h := range s.headers {
		if name, _, _ := strings.Cut(h, ":"); v.carries(strings.TrimSpace(name), "") {
			return usage("--header %s holds a credential: "+instead, strings.TrimSpace(name), v.variables())
		}
	}
	for _, p := range s.params {
		if name, _, _ := strings.Cut(p, "="); v.carries("", name) {
			return usage("--param %s holds a credential: "+instead, name, v.variables())
		}
	}
	for _, text := range append(append([]string{path, s.data, s.baseURL}, s.headers...), s.params...) {
		if ring.Redact(text) != text {
			return usage("the key itself stands on the command line, and so in the shell's history: take it off, and change the key; keyfit reads it from %s", v.variables())
		}
	}
	return nil
}

// body reads the data, and says what it is unless a header does.
func (a *app) body(s *callSettings) (content []byte, kind string, err error) {
	switch name, isFile := strings.CutPrefix(s.data, "@"); {
	case s.data == "-":
		if content, err = io.ReadAll(a.in); err != nil {
			return nil, "", fmt.Errorf("read the standard input: %w", err)
		}
	case isFile:
		if content, err = os.ReadFile(name); err != nil { //nolint:gosec // the user's own file
			return nil, "", fmt.Errorf("--data: %w", err)
		}
	default:
		content = []byte(s.data)
	}
	for _, h := range s.headers {
		if name, _, _ := strings.Cut(h, ":"); strings.EqualFold(strings.TrimSpace(name), "Content-Type") {
			return content, "", nil
		}
	}
	if !json.Valid(content) {
		return nil, "", usage("--data is not JSON; say what it is with --header 'Content-Type: ...', and name a file as @FILE")
	}
	return content, "application/json; charset=utf-8", nil
}

// answered is an answer as --json prints it.
type answered struct {
	Status      int             `json:"status"`
	Header      http.Header     `json:"header,omitempty"`
	RequestID   string          `json:"requestId,omitempty"`
	Fingerprint string          `json:"fingerprint,omitempty"`
	LatencyMS   float64         `json:"latencyMs"`
	Body        json.RawMessage `json:"body,omitempty"`
	Text        string          `json:"text,omitempty"` // the body, if it is not JSON
	Error       string          `json:"error,omitempty"`
}

// send makes one attempt. The body of a refusal is printed as that of a good answer is.
func (a *app) send(ctx context.Context, c *keyfit.Client, verbose bool, method, path string, body any, opts []keyfit.CallOption) error {
	var meta keyfit.Response
	opts = append(opts, keyfit.WithResponse(&meta), keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 1}))
	begin := time.Now()
	content, err := keyfit.Send[[]byte](ctx, c, method, path, body, opts...)
	took := time.Since(begin)
	if refused, ok := errors.AsType[*keyfit.APIError](err); ok {
		content = refused.Body()
	}
	text := c.Keys().Redact(string(content))
	out := answered{
		Status: meta.StatusCode, Header: meta.Header, RequestID: meta.RequestID, Fingerprint: meta.KeyFingerprint,
		LatencyMS: float64(took.Microseconds()) / 1000,
	}
	if json.Valid([]byte(text)) {
		out.Body = json.RawMessage(text)
	} else {
		out.Text = text
	}
	if err != nil {
		out.Error = err.Error()
	}
	if verbose {
		a.writeExchange(c, &out, method, path)
	}
	if a.json {
		err = errors.Join(a.print(out, nil), err)
	} else if text != "" {
		if _, failure := io.WriteString(a.out, a.forReader(text)); failure != nil {
			return fmt.Errorf("write: %w", failure)
		}
	}
	return err
}

// writeExchange is what -v adds. Query and body are the user's own and not repeated.
func (a *app) writeExchange(c *keyfit.Client, out *answered, method, path string) {
	status := c.Keys().Status().Current
	path, _, _ = strings.Cut(path, "?")
	lines := []string{
		fmt.Sprintf("> %s %s", method, path),
		fmt.Sprintf("> key %s, from %s", status.Fingerprint, status.Place),
	}
	if out.Status == 0 {
		lines = append(lines, fmt.Sprintf("< no answer, after %.0f ms", out.LatencyMS))
	} else {
		lines = append(lines, fmt.Sprintf("< %d %s, after %.0f ms", out.Status, http.StatusText(out.Status), out.LatencyMS))
	}
	for _, name := range slices.Sorted(maps.Keys(out.Header)) {
		for _, value := range out.Header[name] {
			lines = append(lines, "< "+name+": "+value)
		}
	}
	_, _ = fmt.Fprintln(a.err, printable(strings.Join(lines, "\n")))
}

// forReader is the body as it is for a program, and for a person indented and without
// what would steer the terminal.
func (a *app) forReader(text string) string {
	file, ok := a.out.(*os.File)
	if !ok {
		return text
	}
	info, err := file.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return text
	}
	return forPerson(text)
}

func forPerson(text string) string {
	var pretty bytes.Buffer
	if json.Indent(&pretty, []byte(text), "", "  ") == nil {
		text = pretty.String()
	}
	return strings.TrimRight(printable(text), "\n") + "\n"
}

// printable replaces control characters by what shows them.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
