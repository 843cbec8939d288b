package mockserver

import (
	"encoding/json"
	"net/http"
	"runtime"
	"runtime/debug"
)

func adminState(c *adminCall) (any, error)    { return c.ns.Snapshot(), nil }
func adminAllState(c *adminCall) (any, error) { return c.srv.SnapshotAll(), nil }

type restoredView struct {
	Namespaces []namespaceView `json:"namespaces"`
}

func adminRestore(c *adminCall) (any, error) {
	st, err := ParseState(c.data)
	if err == nil {
		err = c.ns.Restore(st)
	}
	if err != nil {
		return nil, err
	}
	return restoredView{[]namespaceView{viewNamespace(c.ns)}}, nil
}

func adminRestoreAll(c *adminCall) (any, error) {
	st, err := ParseState(c.data)
	if err == nil {
		err = c.srv.RestoreAll(st)
	}
	if err != nil {
		return nil, err
	}
	out := restoredView{}
	for _, n := range c.srv.Namespaces() {
		out.Namespaces = append(out.Namespaces, viewNamespace(n))
	}
	return out, nil
}

type statusView struct {
	Status string `json:"status"`
}

func adminHealth(*adminCall) (any, error) { return statusView{"ok"}, nil }

// adminReady refuses once the server is shutting down, and while the state file
// cannot be written.
func adminReady(c *adminCall) (any, error) {
	select {
	case <-c.srv.draining:
		return nil, refused(http.StatusServiceUnavailable, "the mock is shutting down")
	default:
	}
	if err := c.srv.file.Health().Err; err != nil {
		return nil, refused(http.StatusServiceUnavailable, "%s", err)
	}
	return statusView{"ready"}, nil
}

type versionView struct {
	Version string `json:"version"`
	Go      string `json:"go"`
}

func adminVersion(c *adminCall) (any, error) {
	return versionView{c.a.version(), runtime.Version()}, nil
}

func (a *admin) version() string {
	if a.cfg.Version != "" {
		return a.cfg.Version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

func adminCA(c *adminCall) (any, error) {
	if pem := c.srv.CAPEM(); pem != nil {
		return text(pem), nil
	}
	return nil, refused(http.StatusNotFound, "the mock runs without TLS; start it with --tls")
}

func adminAssumptions(*adminCall) (any, error) { return page[Assumption]{Items: Assumptions()}, nil }

type configView struct {
	Listeners map[Provider]string `json:"listeners"`
	Admin     string              `json:"admin,omitempty"`
	StateFile string              `json:"stateFile,omitempty"`
	TLS       bool                `json:"tls"`
	Config    any                 `json:"config,omitempty"` // as the program read it
}

func adminConfig(c *adminCall) (any, error) {
	c.a.mu.Lock()
	v := configView{Listeners: c.srv.urls(), Admin: c.a.url, StateFile: c.srv.opts.statePath, TLS: c.srv.ca != nil}
	c.a.mu.Unlock()
	if c.a.cfg.Config != nil {
		v.Config = c.a.cfg.Config()
	}
	return v, nil
}

func adminReload(c *adminCall) (any, error) {
	if c.a.cfg.Reload == nil {
		return nil, refused(http.StatusConflict, "this mock was not started from a configuration file")
	}
	if err := c.a.cfg.Reload(); err != nil {
		return nil, refused(http.StatusUnprocessableEntity, "%s", err)
	}
	return statusView{"reloaded"}, nil
}

func adminShutdown(c *adminCall) (any, error) {
	if c.a.cfg.Shutdown == nil {
		return nil, refused(http.StatusConflict, "this mock runs inside a program; stop the program")
	}
	go c.a.cfg.Shutdown() // after the response, because it waits for this request too
	return statusView{"shutting down"}, nil
}

func adminDocument(c *adminCall) (any, error) {
	return json.RawMessage(adminOpenAPI(c.srv.Providers())), nil
}

func adminVendorDocument(c *adminCall) (any, error) {
	p, err := c.srv.knownProvider(c.PathValue("provider"))
	if err != nil {
		return nil, err
	}
	doc := OpenAPI(p)
	if doc == nil {
		return c.srv.document(c.srv.vendor(p)), nil
	}
	return json.RawMessage(doc), nil
}
