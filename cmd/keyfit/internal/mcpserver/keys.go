package mcpserver

import (
	"context"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// issueArgs are the members of the admin API's issue that an agent needs.
type issueArgs struct {
	Provider  string      `json:"provider"            jsonschema:"the API, as providers names it"`
	Kind      string      `json:"kind,omitempty"      jsonschema:"key if absent; pair (IMKIT's client key with a user token) or bearer (iiniit's OAuth token)"`
	Name      string      `json:"name,omitempty"`
	Scopes    []string    `json:"scopes,omitempty"    jsonschema:"every documented scope if absent"`
	Access    string      `json:"access,omitempty"    jsonschema:"Optimove only: the access type"`
	ExpiresIn string      `json:"expiresIn,omitempty" jsonschema:"a lifetime such as 24h or 30d; the API's own if absent"`
	Limit     *limitOfKey `json:"limit,omitempty"     jsonschema:"a limit of its own"`
}

type limitOfKey struct {
	Requests int    `json:"requests" jsonschema:"requests in a window; 0 is no limit"`
	Per      string `json:"per"      jsonschema:"the window, such as 1m"`
}

type keyArgs struct {
	ID string `json:"id" jsonschema:"the id of the key, such as key_000001; not its value"`
}

type rotateArgs struct {
	ID      string `json:"id"                jsonschema:"the id of the old key"`
	Overlap string `json:"overlap,omitempty" jsonschema:"how long the old key stays valid beside the new one, such as 1h; 0 if absent"`
}

type revokeArgs struct {
	ID     string `json:"id"               jsonschema:"the id of the key"`
	Reason string `json:"reason,omitempty"`
}

type keysArgs struct {
	Provider string `json:"provider,omitempty"`
	Status   string `json:"status,omitempty"   jsonschema:"active, expiring, expired, revoked or suspended"`
	Cursor   string `json:"cursor,omitempty"   jsonschema:"next of the page before"`
}

func (t tools) addKeys(s *mcp.Server) {
	tool(s, "issue_key", "Issue a test key. Only this answer has its value (secret) and the headers that present it.", false,
		func(ctx context.Context, in issueArgs) (*mcp.CallToolResult, map[string]any, error) {
			return t.call(ctx, http.MethodPost, t.path("keys"), in)
		})
	tool(s, "rotate_key", "Issue a successor of a key. The old key stays valid for the overlap.", false,
		func(ctx context.Context, in rotateArgs) (*mcp.CallToolResult, map[string]any, error) {
			body := map[string]string{}
			if in.Overlap != "" {
				body["overlap"] = in.Overlap
			}
			return t.call(ctx, http.MethodPost, t.path("keys", in.ID, "rotate"), body)
		})
	tool(s, "revoke_key", "Revoke a key at once: the next request with it is refused.", false,
		func(ctx context.Context, in revokeArgs) (*mcp.CallToolResult, map[string]any, error) {
			return t.call(ctx, http.MethodPost, t.path("keys", in.ID, "revoke"), map[string]string{"reason": in.Reason})
		})
	for name, what := range map[string]string{
		"expire":  "Let a key expire now, as if its life had ended.",
		"suspend": "Refuse a key until enable_key.",
		"enable":  "Accept a suspended key again.",
	} {
		tool(s, name+"_key", what, false, func(ctx context.Context, in keyArgs) (*mcp.CallToolResult, map[string]any, error) {
			return t.call(ctx, http.MethodPost, t.path("keys", in.ID, name), nil)
		})
	}
	tool(s, "keys", "List keys in the order of issue, without their values: state, expiry, scopes, last use.", true,
		func(ctx context.Context, in keysArgs) (*mcp.CallToolResult, map[string]any, error) {
			return t.list(ctx, "keys", map[string]string{"provider": in.Provider, "status": in.Status, "cursor": in.Cursor})
		})
}
