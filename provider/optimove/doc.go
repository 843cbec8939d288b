// Package optimove calls the Optimove API: the target groups, actions and campaigns of a
// customer's Optimove, the people that they reach, and the attributes, promotions and
// interactions that other systems tell it.
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
// Customers, Segments, Integrations and Mail. A method's comment names Optimove's
// function and the access types of keys that may call it: Admin, Transactional, or, for
// general, actions, target groups and integrations, Integrations too. A key that may not
// is refused with a [*keyfit.PermissionError].
//
// # Lists
//
// Functions that page are values of type [List]: List reads one page, All ranges over
// every row. The others answer whole and are methods that return a slice. An empty list
// is nil, also where Optimove answers "404 Not Found" for it.
//
// # Limits
//
// Optimove lets 50 calls through in any 10 seconds; the client waits its turn. Batches
// have limits of their own ([MaxCustomers], [MaxAttributes], [MaxPromotions],
// [MaxInteractions], [MaxRecipients]): a larger one is an error before anything is sent,
// and the methods that end in InBatches split it. If one fails on the way the error is a
// [*BatchError], which says how much has arrived.
//
// # Values
//
// Numbers that Optimove also writes as strings are [ID], booleans that it writes as
// "true" are [Bool], money is [Decimal], a day is [Date]. Times come without a zone, and
// the pages name none: a [LocalTime] becomes a time.Time in the zone that the caller
// knows. Members that the types do not know are in Extra.
//
// An API key of Optimove is for production: every call acts on the real site.
//
// Source: https://developer.optimove.com (Authentication Guide, Reference, Understanding
// API Rate Limits). Where its pages name a function but not its answer, the shape is that
// of a public client.
package optimove
