package mockserver

// notPlayed lists what the vendors' pages name and the mock does not have. A test
// holds it against the operations that the pages name.
func notPlayed() []Assumption {
	all := []Assumption{
		{Provider: Imin, Topic: "GET /events-api/v2/spec.yaml", Choice: "404: the vendor's text was not found; OpenAPI() is the mock's own document"},
		{Provider: Imin, Topic: "version 1 of the APIs", Choice: "404"},
		{Provider: Imin, Topic: "Firehose feeds of SessionSeries, ScheduledSession, FacilityUse and Slot", Choice: "404: their paths are not documented"},
		{Provider: Imin, Topic: "full resync of a feed at most once a week", Choice: "not enforced"},
		{Provider: Imin, Topic: "Booking, attribution reports and the published test key", Choice: "none of them"},
		{Provider: Imin, Topic: "suspension on misuse", Choice: "a key is suspended by hand only"},

		{Provider: MindKey, Topic: "Microsoft Entra ID tokens", Choice: "401, wrong_scheme: only ApiKey-v2 is a credential"},
		{Provider: MindKey, Topic: "/odata/v1 and ApiKey-v1 keys", Choice: "404 and 401"},
		{Provider: MindKey, Topic: "entities of the scopes Compensation, TimeTracking, Leave and Workingtime", Choice: "none: the pages name no entity; the scopes can be given and open nothing"},
		{Provider: MindKey, Topic: "write methods", Choice: "404: every example of the pages is a GET"},
		{Provider: MindKey, Topic: "OData beyond the documented options", Choice: "400 for arithmetic, any and all, $search, $apply, $compute, $format other than JSON; 404 for property paths, $batch and $ref; no ETag, no $select across relations"},
		{Provider: MindKey, Topic: "Integration API", Choice: "another product: certificate, key and list of addresses"},

		{Provider: IMKIT, Topic: "file upload, WebSocket, deleting a user", Choice: "none: named as abilities of a key, without a page"},
		{Provider: IMKIT, Topic: "accepting an invitation, event JOIN_ROOM", Choice: "none: no page has the operation"},
		{Provider: IMKIT, Topic: "delivery of push messages", Choice: "accepted and dropped"},
		{Provider: IMKIT, Topic: "the webhook of the whole application", Choice: "none: it is set in the dashboard; a room's own is played"},
		{Provider: IMKIT, Topic: "CLIENT_KEY_MISMATCH", Choice: "never answered: no page says when"},

		{Provider: Optimove, Topic: "GetCustomerChannelInteractions, GetCampaignInteractionCustomers", Choice: "404: only their names were found"},
		{Provider: Optimove, Topic: "GetProcessedCampaignCustomers, GetCustomerAttributes, AddCustomerAttribute", Choice: "404: titles of the menu without a page"},
		{Provider: Optimove, Topic: "RemoveCustomerPII", Choice: "404: path and body were not found"},
		{Provider: Optimove, Topic: "product functions of the group customers", Choice: "404: only their heading was found"},
		{Provider: Optimove, Topic: "Api Key Info", Choice: "404: path and body were not found"},
		{Provider: Optimove, Topic: "OptiPromo: promotions and promo codes of version 2", Choice: "404"},
		{Provider: Optimove, Topic: "general/login and Authorization-Token", Choice: "404 and 401: ended on 1 February 2024"},
		{Provider: Optimove, Topic: "IP allow list, rotation policy of the account", Choice: "neither; a key can be disabled (Suspend) and enabled"},
		{Provider: Optimove, Topic: "event listeners 1, 3, 4, 5 and 11", Choice: "registered, never called: what happens at them was not found"},

		{Provider: Iiniit, Topic: "JWT as a credential", Choice: "401: named on one page without details"},
		{Provider: Iiniit, Topic: "every resource but the placeholder", Choice: "404: none is documented"},
		{Provider: Iiniit, Topic: "client credentials and device flow, registering clients over HTTP", Choice: "unsupported_grant_type; clients are registered with OAuth().Register"},
	}
	for i := range all {
		all[i].NotPlayed = true
	}
	return all
}
