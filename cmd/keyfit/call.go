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
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/vendors"
)

// callSettings are the flags of call. None of them takes the key: a command line is in the
// shell's history and in the process list.
type callSettings struct {
	keyFlags
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
		Long: `call sends one request with the key from the environment or .env, and prints the
response body. The key is not an argument, so it is not in the shell's history. It is
redacted in what is printed, even if the server echoes it.

Exit code: 0 for a 2xx response, 1 for any other or none, 2 for a usage error.`,
		Example: "  keyfit call mindkey GET /ping\n" +
			"  keyfit call imkit GET /admin/clients --param limit=5 -v\n" +
			"  keyfit call imkit POST /admin/clients --data @user.json\n" +
			"  jq -n '{_id: \"fitsum\", nickname: \"Lorem Fitsum\"}' | keyfit call imkit POST /admin/clients --data -",
		Args: between(3, "VENDOR", "METHOD", "PATH"),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			switch len(args) {
			case 0:
				return vendors.Names(), cobra.ShellCompDirectiveNoFileComp
			case 1:
				return []string{"GET", "POST", "PUT", "PATCH", "DELETE"}, cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.check(cmd); err != nil {
				return err
			}
			v, err := findVendor(args[0])
			if err != nil {
				return err
			}
			if strings.Trim(args[1], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") != "" || args[1] == "" {
				return cli.At("METHOD", &cli.ValueError{Value: args[1], Want: "a word such as GET"})
			}
			ctx, stop := interruptible(cmd.Context())
			defer stop()
			ctx, cancel := context.WithTimeout(ctx, s.timeout)
			defer cancel()
			return a.callVendor(ctx, cmd.Flags().Changed("data"), &v, &s, strings.ToUpper(args[1]), args[2])
		},
	}
	s.add(cmd, time.Minute)
	f := cmd.Flags()
	f.StringVar(&s.baseURL, "base-url", "", "the vendor's address, as `https://host` or with the path of a gateway, instead of its variable")
	f.StringVarP(&s.data, "data", "d", "", "the body: `JSON`, @FILE, or - for the standard input")
	f.StringArrayVarP(&s.headers, "header", "H", nil, "a header, as `'Name: value'`; may be repeated")
	f.StringArrayVarP(&s.params, "param", "p", nil, "a query parameter, as `name=value`; may be repeated")
	f.BoolVarP(&s.verbose, "verbose", "v", false, "print the request and the response's headers on the standard error")
	return cmd
}

// callVendor finds the key, sends the request and prints the response.
func (a *app) callVendor(ctx context.Context, hasData bool, v *vendors.Vendor, s *callSettings, method, path string) error {
	var warnings []string
	collect := vendors.CollectWarnings(&warnings)
	ring, configured, err := v.Keyring(ctx, s.dotenv, collect)
	if err != nil && !configured {
		err = fmt.Errorf("%w; set %s in the environment or in %s", err, v.Variables(), s.dotenv)
	}
	if err != nil {
		return err // a key that is there and broken: the error says how to repair it
	}
	if err := s.refuseKeys(v, ring, path); err != nil {
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
	made := []keyfit.Option{keyfit.WithSource(ring), keyfit.WithDotEnv(s.dotenv), keyfit.WithHooks(keyfit.Hooks{Key: collect})}
	if s.baseURL != "" {
		made = append(made, keyfit.WithBaseURL(s.baseURL))
	}
	c, err := keyfit.New(v.Provider, made...)
	if err != nil {
		return vendors.AddressError(err)
	}
	if s.verbose {
		a.writeWarnings(warnings)
	}
	// Accept comes first, so that a header of the user's replaces it.
	opts = slices.Insert(opts, 0, keyfit.WithHeader("Accept", "application/json, */*;q=0.5"))
	return a.send(ctx, c, v, s.verbose, method, path, body, opts)
}

// options are the headers and parameters of the command line as the SDK takes them.
func (o *callSettings) options() ([]keyfit.CallOption, error) {
	var opts []keyfit.CallOption
	for _, h := range o.headers {
		name, value, ok := strings.Cut(h, ":")
		if !ok {
			return nil, cli.Usagef("--header %q is not of the form 'Name: value'", h)
		}
		opts = append(opts, keyfit.WithHeader(strings.TrimSpace(name), strings.TrimSpace(value)))
	}
	for _, p := range o.params {
		name, value, ok := strings.Cut(p, "=")
		if !ok || name == "" {
			return nil, cli.Usagef("--param %q is not of the form name=value", p)
		}
		opts = append(opts, keyfit.Param(name, value))
	}
	return opts, nil
}

// refuseKeys returns an error if the command line holds a credential, without repeating it:
// where a credential belongs by its name, and the key itself anywhere.
func (o *callSettings) refuseKeys(v *vendors.Vendor, ring *keyfit.Keyring, path string) error {
	const instead = "keys are not arguments, since those stay in the shell's history: set %s"
	switch err := v.CheckPath(path); {
	case errors.Is(err, vendors.ErrCredential):
		return cli.Usagef("PATH holds a credential: "+instead, v.Variables())
	case err != nil:
		return cli.Usagef("PATH %w", err)
	}
	for _, h := range o.headers {
		name, _, _ := strings.Cut(h, ":")
		if name = strings.TrimSpace(name); v.IsCredentialHeader(name) {
			return cli.Usagef("--header %s holds a credential: "+instead, name, v.Variables())
		}
	}
	for _, p := range o.params {
		if name, _, _ := strings.Cut(p, "="); v.IsCredentialParam(name) {
			return cli.Usagef("--param %s holds a credential: "+instead, name, v.Variables())
		}
	}
	for _, text := range slices.Concat([]string{path, o.data, o.baseURL}, o.headers, o.params) {
		if ring.Redact(text) != text {
			return cli.Usagef("the key itself is on the command line, and so in the shell's history: remove it there and have the key replaced; keyfit reads it from %s", v.Variables())
		}
	}
	return nil
}

// body reads the data. kind is its content type, or "" if a header gives one.
func (a *app) body(s *callSettings) (content []byte, kind string, err error) {
	switch name, isFile := strings.CutPrefix(s.data, "@"); {
	case s.data == "-":
		if content, err = io.ReadAll(a.In); err != nil {
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
		return nil, "", cli.Usagef("--data is not JSON; give its type with --header 'Content-Type: ...', and name a file as @FILE")
	}
	return content, "application/json; charset=utf-8", nil
}

// answered is a response as --json prints it.
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

// send makes one attempt. The body of a refusal is printed as that of a 2xx response is.
func (a *app) send(ctx context.Context, c *keyfit.Client, v *vendors.Vendor, verbose bool, method, path string, body any, opts []keyfit.CallOption) error {
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
		a.writeExchange(c, v, &out, method, path)
	}
	if a.JSON {
		err = errors.Join(a.Print(out, nil), err)
	} else if text != "" {
		text = a.forReader(text)
		if _, failure := io.WriteString(cli.Raw(a.Out), text); failure != nil {
			return fmt.Errorf("write: %w", failure)
		}
		if verbose && err != nil && !strings.HasSuffix(text, "\n") {
			_, _ = io.WriteString(a.Err, "\n") // the error gets a line of its own; the body stays as it is
		}
	}
	return err
}

// writeWarnings says what a person should know before a key is used.
func (a *app) writeWarnings(warnings []string) {
	for _, warning := range warnings {
		_, _ = fmt.Fprintln(a.Err, "keyfit: warning: "+cli.Printable(warning))
	}
}

// writeExchange is what -v adds. Query and body are the user's own and not repeated.
func (a *app) writeExchange(c *keyfit.Client, v *vendors.Vendor, out *answered, method, path string) {
	status := c.Keys().Status().Current
	path, _, _ = strings.Cut(path, "?")
	lines := []string{
		fmt.Sprintf("> %s %s", method, path),
		"> host " + v.Host(c.BaseURL()),
		fmt.Sprintf("> key %s, from %s", status.Fingerprint, status.Place),
	}
	if out.Status == 0 {
		lines = append(lines, fmt.Sprintf("< no response, after %.0f ms", out.LatencyMS))
	} else {
		lines = append(lines, fmt.Sprintf("< %d %s, after %.0f ms", out.Status, http.StatusText(out.Status), out.LatencyMS))
	}
	for _, name := range slices.Sorted(maps.Keys(out.Header)) {
		for _, value := range out.Header[name] {
			lines = append(lines, "< "+name+": "+value)
		}
	}
	for _, line := range lines {
		_, _ = fmt.Fprintln(a.Err, cli.Line(line))
	}
}

// forReader is the body as it is for a program, and for a person indented and without
// what would steer the terminal.
func (a *app) forReader(text string) string {
	file, ok := cli.Raw(a.Out).(*os.File)
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
	return strings.TrimRight(cli.Printable(text), "\n") + "\n"
}
