// Package optimove calls the Optimove API. It reads target groups, actions, campaigns and the
// customers that they reach, and writes attributes, promotions and interactions.
//
//	client, err := optimove.New("api4.optimove.net")      // key: OPTIMOVE_API_KEY, then .env
//	day, err := client.General.LastDataUpdate(ctx)        // the newest data
//
//	query := optimove.OneTimeByDate{Date: day, Attributes: []string{"Alias", "Country"}}
//	for row, err := range client.Customers.OneTimeActionsByDate.All(ctx, query) { … }
//
//	err = client.Integrations.AddPromotionsInBatches(ctx, promotions, func(p optimove.Progress) {
//		log.Printf("%d of %d", p.Done, p.Total)
//	})
//
// # Areas
//
// A [Client] has one field for each group of functions: General, Model, Actions, Groups,
// Customers, Segments, Integrations and Mail. The comment of a method names Optimove's
// function and the access types of keys that may call it. Admin and Transactional keys may
// call every function; Integrations keys may call those of the groups general, actions,
// groups and integrations. Other calls return a [*keyfit.PermissionError].
//
// # Lists
//
// Functions with pages are values of type [List]: List reads one page, All iterates over
// every row. The others are methods that return a slice. An empty list is nil, even if
// Optimove responds with "404 Not Found".
//
// # Limits
//
// Optimove allows 50 calls in any period of 10 seconds; the client waits if necessary. Batches
// have their own limits ([MaxCustomers], [MaxAttributes], [MaxPromotions],
// [MaxInteractions], [MaxRecipients]). A larger batch returns an error without a request;
// methods whose names end in InBatches split it. If one of their calls fails, the error is a
// [*BatchError] with the number of accepted entries.
//
// # Values
//
// [ID] is a number that Optimove may send as a string, [Bool] a boolean that it sends as
// "true" or "false". Money is a [Decimal], a day is a [Date]. Times have no time zone, and
// the pages name none: the caller converts a [LocalTime] to a time.Time with a known time
// zone. Unknown members are kept in Extra.
//
// An API key of Optimove is for production: every call affects the real site.
//
// Source: https://developer.optimove.com (Authentication Guide, Reference, Understanding API
// Rate Limits). If its pages do not document the response of a function, the types follow a
// public client.
package optimove
