// Package admin is the client of a mock's admin API.
package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Client calls the admin API of one mock. The token goes to the address of the client and
// nowhere else: redirects are not followed, and no proxy is asked.
type Client struct {
	url, token string
	http       *http.Client
}

// NewClient returns a client of the mock whose admin API is at the address. See [Check] for
// the errors; remote allows plain http to other machines.
func NewClient(address, token string, remote bool) (*Client, error) {
	if err := Check(address, remote); err != nil {
		return nil, err
	}
	local := !remote && strings.HasPrefix(strings.ToLower(address), "http:")
	return &Client{url: strings.TrimSuffix(address, "/"), token: token, http: newHTTPClient(local)}, nil
}

// Path is a path below a namespace. Its parts are escaped.
func Path(namespace string, parts ...string) string {
	path := make([]string, 0, 2+len(parts))
	path = append(path, "/v1/namespaces", url.PathEscape(namespace))
	for _, p := range parts {
		path = append(path, url.PathEscape(p))
	}
	return strings.Join(path, "/")
}

// Send makes one request with in as JSON, or without a body if in is nil. The caller closes
// the body of the response. A status of 400 or more is an error with the mock's own words, and
// a redirect is one too.
func (c *Client) Send(ctx context.Context, method, path string, in any) (*http.Response, error) {
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
	if errors.Is(err, ErrRemote) {
		return nil, fmt.Errorf("the admin URL %s %w", c.url, ErrRemote)
	}
	if err != nil {
		return nil, fmt.Errorf("no mock answers at %s: %w; is `keyfit mock` running, and is this its admin URL", c.url, RootCause(err))
	}
	if res.StatusCode < http.StatusMultipleChoices {
		return res, nil
	}
	defer func() { _ = res.Body.Close() }() // read to its end or given up
	return nil, problem(res, c.url)
}

// RootCause is the error below net/http's, which repeats method and URL.
func RootCause(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// problem returns the mock's own words as an error.
func problem(res *http.Response, where string) error {
	var p struct {
		Detail string `json:"detail"`
	}
	const maxProblem = 64 << 10
	data, err := io.ReadAll(io.LimitReader(res.Body, maxProblem))
	if err == nil {
		err = json.Unmarshal(data, &p)
	}
	switch {
	case res.StatusCode < http.StatusBadRequest:
		return fmt.Errorf("%s answers with a redirect (%d), which is not followed: the admin token is only for the address that was given", where, res.StatusCode)
	case res.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("the mock at %s refuses this admin token, which may be that of another run: give the one that this mock printed at its start", where)
	case err != nil || p.Detail == "":
		return fmt.Errorf("%s answers %s and is not the admin API of a mock", where, res.Status)
	}
	return &RefusalError{Status: res.StatusCode, Detail: p.Detail}
}

// RefusalError is what a mock says about a request that it does not carry out.
type RefusalError struct {
	Status int
	Detail string
}

func (r *RefusalError) Error() string { return r.Detail }

// NotUnderstood reports whether the mock refused the values of a request, not what they ask
// for.
func (r *RefusalError) NotUnderstood() bool {
	return r.Status == http.StatusBadRequest || r.Status == http.StatusUnprocessableEntity
}

// maxAnswer is above every answer of a mock: it takes states of up to 64 MiB.
const maxAnswer = 256 << 20

// Call makes one request and decodes the response into out, unless out is nil.
func (c *Client) Call(ctx context.Context, method, path string, in, out any) error {
	res, err := c.Send(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // read to its end
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if len(data) > maxAnswer {
		return fmt.Errorf("%s answers with more than %d MiB and is not the admin API of a mock", c.url, maxAnswer>>20)
	}
	if out == nil {
		return nil
	}
	if raw, ok := out.(*json.RawMessage); ok {
		*raw = data
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("%s answers what this version of keyfit does not understand: %w", c.url, err)
	}
	return nil
}

// Page is one page of a list.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"` // the cursor of the next page; "" on the last one
}

// List reads a list page by page, at most limit items of it; 0 is no limit.
func List[T any](ctx context.Context, c *Client, path string, query url.Values, limit int) ([]T, error) {
	const pageSize = 1000 // the most that a mock returns at once
	items, size := []T{}, pageSize
	if limit > 0 {
		size = min(size, limit)
	}
	query.Set("limit", strconv.Itoa(size))
	for {
		var p Page[T]
		if err := c.Call(ctx, http.MethodGet, path+"?"+query.Encode(), nil, &p); err != nil {
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
