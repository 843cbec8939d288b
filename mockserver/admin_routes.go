package mockserver

import "net/http"

const (
	nsPath  = "/v1/namespaces/{ns}"
	keyPath = nsPath + "/keys/{id}"
)

// adminRoutes is the whole admin API.
func adminRoutes() []adminRoute {
	var all []adminRoute
	for _, part := range [][]adminRoute{processRoutes(), namespaceRoutes(), dataRoutes(), keyRoutes(), oauthRoutes(), requestRoutes(), snapshotRoutes(), scenarioRoutes()} {
		all = append(all, part...)
	}
	return all
}

func processRoutes() []adminRoute {
	const pemFile, metricsText = "application/x-pem-file", "text/plain; version=0.0.4; charset=utf-8"
	return []adminRoute{
		{method: "GET", path: "/healthz", open: true, summary: "The process is alive", out: statusView{}, handle: adminHealth},
		{method: "GET", path: "/readyz", open: true, summary: "The mock is serving and can write its state file", out: statusView{}, handle: adminReady},
		{method: "GET", path: "/version", open: true, summary: "The version", out: versionView{}, handle: adminVersion},
		{method: "GET", path: "/metrics", summary: "Counters and gauges in Prometheus' text format", out: text(""), media: metricsText, handle: adminMetrics},
		{method: "GET", path: "/openapi.json", summary: "The OpenAPI document of this API", out: map[string]any{}, handle: adminDocument},
		{method: "GET", path: "/openapi/{provider}", summary: "The OpenAPI document of a provider's mock", out: map[string]any{}, handle: adminVendorDocument},
		{method: "GET", path: "/ca.pem", summary: "The certificate of the mock's CA, under TLS", out: text(""), media: pemFile, handle: adminCA},
		{method: "GET", path: "/v1/assumptions", summary: "What the mock assumes where a vendor documents nothing", out: page[Assumption]{}, handle: adminAssumptions},
		{method: "GET", path: "/v1/config", summary: "The configuration of the mock", out: configView{}, handle: adminConfig},
		{method: "POST", path: "/v1/reload", summary: "Reload the configuration; it is checked before it replaces anything", out: statusView{}, handle: adminReload},
		{method: "POST", path: "/v1/shutdown", summary: "End the process", status: http.StatusAccepted, out: statusView{}, handle: adminShutdown},
		{method: "GET", path: "/v1/state", summary: "Export every namespace: the state document", out: State{}, handle: adminAllState},
		{method: "PUT", path: "/v1/state", summary: "Import every namespace, replacing all", in: State{}, out: restoredView{}, maxBody: maxStateBody, handle: adminRestoreAll},
	}
}

func namespaceRoutes() []adminRoute {
	return []adminRoute{
		{method: "GET", path: "/v1/namespaces", summary: "List namespaces", out: page[namespaceView]{}, handle: adminNamespaces},
		{method: "POST", path: "/v1/namespaces", summary: "Make a namespace", in: namespaceBody{}, out: namespaceView{}, status: http.StatusCreated, handle: adminMakeNamespace},
		{method: "GET", path: nsPath, summary: "One namespace", out: namespaceView{}, handle: func(c *adminCall) (any, error) { return viewNamespace(c.ns), nil }},
		{method: "DELETE", path: nsPath, summary: "Delete a namespace and its keys", handle: adminDeleteNamespace},
		{method: "POST", path: nsPath + "/reset", summary: "Reset a namespace to the state of a new one", in: resetBody{}, out: namespaceView{}, handle: adminReset},
		{method: "GET", path: nsPath + "/providers", summary: "List providers with limits and profiles", out: page[providerView]{}, handle: adminProviders},
		{method: "GET", path: nsPath + "/providers/{provider}", summary: "One provider", out: providerView{}, handle: adminProvider},
		{method: "PATCH", path: nsPath + "/providers/{provider}", summary: "Change a provider's limit or profile", in: providerBody{}, out: providerView{}, handle: adminPatchProvider},
		{method: "GET", path: nsPath + "/clock", summary: "The clock", out: clockView{}, handle: adminClock},
		{method: "PUT", path: nsPath + "/clock", summary: "Freeze or run the clock", in: clockBody{}, out: clockView{}, handle: adminSetClock},
		{method: "POST", path: nsPath + "/clock/advance", summary: "Move the clock forward", in: advanceBody{}, out: clockView{}, handle: adminAdvance},
		{method: "GET", path: nsPath + "/faults", summary: "List injected faults", out: page[injectionView]{}, handle: adminFaults},
		{method: "POST", path: nsPath + "/faults", summary: "Inject a fault", in: FaultSpec{}, out: injectionView{}, status: http.StatusCreated, handle: adminInject},
		{method: "DELETE", path: nsPath + "/faults", summary: "Remove every fault", handle: adminClearFaults},
		{method: "DELETE", path: nsPath + "/faults/{id}", summary: "Remove a fault", handle: adminRemoveFault},
		{method: "GET", path: nsPath + "/state", summary: "Export the namespace: a state document", out: State{}, handle: adminState},
		{method: "PUT", path: nsPath + "/state", summary: "Import a namespace, replacing this one", in: State{}, out: restoredView{}, maxBody: maxStateBody, handle: adminRestore},
	}
}

func dataRoutes() []adminRoute {
	const data = nsPath + "/data/{provider}"
	return []adminRoute{
		{method: "GET", path: data, summary: "List the collections of a provider's mock, with counts", out: page[Collection]{}, handle: adminCollections},
		{method: "GET", path: data + "/{collection}", summary: "A whole collection, in the form that PUT accepts", out: itemsView{}, handle: adminData},
		{method: "PUT", path: data + "/{collection}", summary: "Replace a collection; it is checked before anything changes", in: itemsBody{}, out: itemsView{}, maxBody: maxStateBody, handle: adminSetData},
	}
}

func keyRoutes() []adminRoute {
	listed := pageParams(adminParam{"provider", ""}, adminParam{"kind", ""}, adminParam{"status", ""},
		adminParam{"name", ""}, adminParam{"unused_since", "last used before this time, or never"})
	return []adminRoute{
		{method: "GET", path: nsPath + "/keys", summary: "List keys in the order of issue", query: listed, out: page[Key]{}, handle: adminKeys},
		{method: "POST", path: nsPath + "/keys", summary: "Issue a key; only this response has its value", in: issueBody{}, out: issuedView{}, status: http.StatusCreated, once: true, handle: adminIssue},
		{method: "GET", path: keyPath, summary: "One key, without its value", out: Key{}, handle: adminKey},
		{method: "PATCH", path: keyPath, summary: "Change the properties of a key; absent members keep their values", in: editBody{}, out: Key{}, handle: adminEdit},
		{method: "POST", path: keyPath + "/rotate", summary: "Issue a successor; the old key expires after the overlap", in: rotateBody{}, out: issuedView{}, status: http.StatusCreated, once: true, handle: adminRotate},
		{method: "POST", path: keyPath + "/revoke", summary: "Revoke a key at once", in: revokeBody{}, out: Key{}, handle: adminRevoke},
		{method: "POST", path: keyPath + "/suspend", summary: "Refuse a key until it is enabled, as Optimove disables one", out: Key{}, handle: adminSuspend},
		{method: "POST", path: keyPath + "/enable", summary: "Accept a suspended key again", out: Key{}, handle: adminEnable},
		{method: "POST", path: keyPath + "/expire", summary: "Expire a key now", out: Key{}, handle: adminExpire},
		{method: "POST", path: nsPath + "/diagnose", summary: "Say whether a request would be refused, and why; nothing is consumed or recorded", in: diagnoseBody{}, out: explanationView{}, handle: adminDiagnose},
	}
}

func oauthRoutes() []adminRoute {
	const oauth = nsPath + "/oauth"
	of := []adminParam{{"provider", "iiniit if absent"}}
	return []adminRoute{
		{method: "GET", path: oauth + "/clients", summary: "List the OAuth clients of a provider", query: of, out: page[clientView]{}, handle: adminClients},
		{method: "POST", path: oauth + "/clients", summary: "Register an OAuth client; only this response has its secret", in: clientBody{}, out: clientView{}, status: http.StatusCreated, once: true, handle: adminRegister},
		{method: "GET", path: oauth + "/tokens", summary: "List codes, access and refresh tokens, without their values", query: of, out: page[Key]{}, handle: adminTokens},
		{method: "POST", path: oauth + "/tokens", summary: "Issue an access and a refresh token as if a user had approved", in: tokensBody{}, out: tokensView{}, status: http.StatusCreated, once: true, handle: adminIssueTokens},
		{method: "POST", path: oauth + "/approve-next", summary: "Set the user's answer to the next authorization request", in: approveBody{}, out: statusView{}, handle: adminApproveNext},
		{method: "POST", path: oauth + "/expire-all", summary: "Expire every valid code and token", in: expireAllBody{}, out: endedView{}, handle: adminExpireAll},
		{method: "GET", path: nsPath + "/callbacks", summary: "Callbacks that a provider would have sent to a client's address", out: page[Callback]{}, handle: adminCallbacks},
	}
}

func requestRoutes() []adminRoute {
	const requests = nsPath + "/requests"
	return []adminRoute{
		{method: "GET", path: requests, summary: "List requests, newest first", query: pageParams(matchParams()...), out: page[Exchange]{}, handle: adminRequests},
		{method: "DELETE", path: requests, summary: "Delete requests and counts", handle: adminForgetRequests},
		{method: "GET", path: requests + "/{id}", summary: "One request", out: Exchange{}, handle: adminRequest},
		{method: "GET", path: requests + "/stream", summary: "Requests as they arrive, as server-sent events: `request` with a request as data, `missed` with a number", query: append(matchParams(), adminParam{"after", "the ID of the last request that is known already"}), out: text(""), media: eventStream, handle: adminStream},
		{method: "GET", path: requests + "/export", summary: "Requests in another format, oldest first: an HTTP Archive, commands of curl, a Go test. No format has a key in it", query: exportParams(), out: text(""), media: exportMedia, handle: adminExport},
		{method: "POST", path: requests + "/count", summary: "Exact counts, whatever the journal has evicted", in: countBody{}, out: Counts{}, handle: adminCount},
		{method: "POST", path: requests + "/wait", summary: "Wait until a number of requests match", in: waitBody{}, out: waitView{}, handle: adminWait},
		{method: "POST", path: requests + "/verify", summary: "Check how many requests match, or in which order", in: verifyBody{}, out: verifyView{}, handle: adminVerify},
	}
}
