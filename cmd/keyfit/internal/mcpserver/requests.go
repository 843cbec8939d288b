package mcpserver

import (
	"context"
	"net/http"
	"strconv"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type requestsArgs struct {
	Provider string `json:"provider,omitempty"`
	Method   string `json:"method,omitempty"`
	Path     string `json:"path,omitempty"     jsonschema:"as it was sent; a * at its end matches a prefix"`
	KeyID    string `json:"keyId,omitempty"`
	Outcome  string `json:"outcome,omitempty"  jsonschema:"ok, missing_key, unknown_key, expired, revoked, rate_limited and others: a wrong one is answered with the list"`
	Status   int    `json:"status,omitempty"`
	Limit    int    `json:"limit,omitempty"    jsonschema:"the newest so many, at most 100; 20 if absent"`
}

type whyArgs struct {
	RequestID int      `json:"requestId,omitempty" jsonschema:"a request that came, by its id; everything else is then left out"`
	Provider  string   `json:"provider,omitempty"  jsonschema:"for a request that is not sent; needed unless the URL is the real API's"`
	Method    string   `json:"method,omitempty"    jsonschema:"GET if absent"`
	URL       string   `json:"url,omitempty"       jsonschema:"a whole URL or a path"`
	Headers   []string `json:"headers,omitempty"   jsonschema:"lines such as X-API-KEY: value"`
}

// matchArgs select requests; see the admin API.
type matchArgs struct {
	Provider string            `json:"provider,omitempty"`
	Method   string            `json:"method,omitempty"`
	Path     string            `json:"path,omitempty"`
	KeyID    string            `json:"keyId,omitempty"`
	Outcome  string            `json:"outcome,omitempty"`
	Status   int               `json:"status,omitempty"`
	Query    map[string]string `json:"query,omitempty"   jsonschema:"parameters and their values; * is any value"`
	Headers  []string          `json:"headers,omitempty" jsonschema:"names of headers that must be there"`
	Body     map[string]any    `json:"body,omitempty"    jsonschema:"members of a JSON body and their values"`
}

type verifyArgs struct {
	Match   *matchArgs  `json:"match,omitempty"`
	N       *int        `json:"n,omitempty"       jsonschema:"exactly so many"`
	AtLeast *int        `json:"atLeast,omitempty"`
	AtMost  *int        `json:"atMost,omitempty"`
	InOrder []matchArgs `json:"inOrder,omitempty" jsonschema:"instead of all others: requests that must have come in this order"`
}

func (t tools) addRequests(s *mcp.Server) {
	tool(s, "requests", "List the requests that the mock received, newest first: what was sent (keys redacted), what was answered, and for a refused one the reason in words.", true,
		func(ctx context.Context, in requestsArgs) (*mcp.CallToolResult, map[string]any, error) {
			if in.Limit == 0 {
				in.Limit = 20
			}
			query := map[string]string{
				"provider": in.Provider, "method": in.Method, "path": in.Path, "key": in.KeyID, "outcome": in.Outcome,
				"limit": strconv.Itoa(min(in.Limit, 100)),
			}
			if in.Status != 0 {
				query["status"] = strconv.Itoa(in.Status)
			}
			return t.list(ctx, "requests", query)
		})
	tool(s, "why_refused", "Say why a request was refused (by its id), or whether one would be: nothing is sent, consumed or recorded.", true,
		func(ctx context.Context, in whyArgs) (*mcp.CallToolResult, map[string]any, error) {
			if in.RequestID != 0 {
				return t.call(ctx, http.MethodGet, t.path("requests", strconv.Itoa(in.RequestID)), nil)
			}
			return t.call(ctx, http.MethodPost, t.path("diagnose"), map[string]any{
				"provider": in.Provider, "method": in.Method, "url": in.URL, "headers": in.Headers,
			})
		})
	tool(s, "verify_requests", "Check how many requests match, or in which order they came. The answer says why not.", true,
		func(ctx context.Context, in verifyArgs) (*mcp.CallToolResult, map[string]any, error) {
			return t.call(ctx, http.MethodPost, t.path("requests", "verify"), in)
		})
}
