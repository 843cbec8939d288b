package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// adminFlags say where the mock's admin API is.
type adminFlags struct{ url, tokenFile string }

// withAdmin adds the flags of commands that talk to a running mock.
func (a *app) withAdmin(cmd *cobra.Command) *cobra.Command {
	f := cmd.PersistentFlags()
	f.StringVar(&a.admin.url, "admin-url", "", "the mock's admin `URL`, as it printed at its start")
	f.StringVar(&a.admin.tokenFile, "admin-token-file", "", "read the admin token from this `file`; or set KEYFIT_ADMIN_TOKEN")
	f.StringVarP(&a.namespace, "namespace", "n", "default", "the `namespace` of the mock")
	return cmd
}

// adminClient calls the admin API of a mock.
type adminClient struct {
	url, token string
	http       *http.Client
}

// client finds the running mock.
func (a *app) client() (*adminClient, error) {
	if a.admin.url == "" {
		return nil, errors.New("which mock? set KEYFIT_ADMIN_URL and KEYFIT_ADMIN_TOKEN as `keyfit mock` printed them, or give --admin-url and --admin-token-file")
	}
	u, err := url.Parse(a.admin.url)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, usage("the admin URL %q is none; it is as http://127.0.0.1:4100", a.admin.url)
	}
	token, _ := a.env("KEYFIT_ADMIN_TOKEN")
	if a.admin.tokenFile != "" {
		data, err := os.ReadFile(a.admin.tokenFile)
		if err != nil {
			return nil, fmt.Errorf("admin token file: %w", err)
		}
		token = strings.TrimSpace(string(data))
	}
	if token == "" {
		return nil, errors.New("the admin token is missing: set KEYFIT_ADMIN_TOKEN, or give --admin-token-file")
	}
	return &adminClient{url: strings.TrimSuffix(a.admin.url, "/"), token: token, http: &http.Client{}}, nil
}

// ns is a path below the namespace. Its parts are escaped.
func (a *app) ns(parts ...string) string {
	path := make([]string, 0, 2+len(parts))
	path = append(path, "/v1/namespaces", url.PathEscape(a.namespace))
	for _, p := range parts {
		path = append(path, url.PathEscape(p))
	}
	return strings.Join(path, "/")
}

// send makes one request. The caller closes the body of an answer without
// error.
func (c *adminClient) send(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("encode: %w", err)
		}
		body = bytes.NewReader(data)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.url+path, body)
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("Content-Type", "application/json")
	res, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("no mock answers at %s: %w; does `keyfit mock` run, and is the URL its admin URL", c.url, rootCause(err))
	}
	if res.StatusCode < http.StatusBadRequest {
		return res, nil
	}
	defer func() { _ = res.Body.Close() }() // read to its end or given up
	return nil, problemOf(res, c.url)
}

func rootCause(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// problemOf reads the mock's own words.
func problemOf(res *http.Response, where string) error {
	var p struct {
		Detail string `json:"detail"`
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err == nil {
		err = json.Unmarshal(data, &p)
	}
	switch {
	case res.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("the mock at %s refuses this admin token; is it from another run", where)
	case err != nil || p.Detail == "":
		return fmt.Errorf("%s answers %s, which is no admin API of a mock", where, res.Status)
	}
	return errors.New(p.Detail)
}

// call makes one request and decodes the answer, if out is not nil.
func (c *adminClient) call(ctx context.Context, method, path string, in, out any) error {
	res, err := c.send(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // read to its end
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if out == nil {
		return nil
	}
	if raw, ok := out.(*json.RawMessage); ok {
		*raw = data
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("%s answers what this keyfit does not understand: %w", c.url, err)
	}
	return nil
}

// do finds the mock and calls it.
func (a *app) do(ctx context.Context, method, path string, in, out any) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	return c.call(ctx, method, path, in, out)
}

// page is a list as the admin API sends it.
type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}

// all reads a list to its end, or to limit items; 0 is no limit.
func all[T any](ctx context.Context, a *app, path string, query url.Values, limit int) ([]T, error) {
	c, err := a.client()
	if err != nil {
		return nil, err
	}
	items := []T{}
	size := 500
	if limit > 0 {
		size = min(size, limit)
	}
	query.Set("limit", strconv.Itoa(size))
	for {
		var p page[T]
		if err := c.call(ctx, http.MethodGet, path+"?"+query.Encode(), nil, &p); err != nil {
			return nil, err
		}
		items = append(items, p.Items...)
		if p.Next == "" || limit > 0 && len(items) >= limit {
			if limit > 0 {
				items = items[:min(len(items), limit)]
			}
			return items, nil
		}
		query.Set("cursor", p.Next)
	}
}

// table writes aligned columns.
func table(w io.Writer, head string, rows [][]string) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, strings.ToUpper(head)) // flush tells
	for _, row := range rows {
		for i, cell := range row {
			if cell == "" {
				row[i] = "-"
			}
		}
		_, _ = fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	_ = t.Flush() // nobody is left to tell
}

// when writes a time for people.
func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}
