// Package imin calls imin's APIs for sport and physical activity in Britain: events,
// facilities and their slots, places, and the Firehose feeds. Records follow OpenActive with
// imin's extensions. Source: docs.imin.co.
//
//	client, err := imin.New() // key: IMIN_API_KEY, then .env
//	query := imin.EventQuery{
//		Mode:           imin.DiscoveryGeo,
//		Near:           &imin.Radial{Lat: 51.752, Lon: -1.258, Km: 5},
//		ActivityLabels: []string{"Yoga"},
//	}
//	for event, err := range client.EventSeries.Search(ctx, query) {
//		if err != nil {
//			return err
//		}
//		for run, session := range event.Sessions() {
//			fmt.Println(event.Name, run.Place.Name, session.StartDate)
//		}
//	}
//
// # Searching
//
// Each service has List for one page and All for all pages. All sends one request per page,
// when the loop reaches it; leaving the loop stops the requests. Get reads one full record.
// Fields of a query with the zero value are not sent. A query that imin's documentation
// rules out (a facility search by distance with a date, more than 50 items per page, a URL
// of more than 2,048 characters) returns an error that names the field, without a request.
// Pass filters that [EventQuery] does not have as [keyfit.Param].
//
// A search covers the next 14 days. Sessions and slots that have begun are archived. A
// series or facility without any left is no longer found by its ID; the error is
// [keyfit.ErrNotFound].
//
// # Records
//
// An [EventSeries] contains runs ([SessionSeries]), each with its [ScheduledSession] values.
// imin sends each place once, in imin:locationSummary, and refers to it from the runs;
// [SessionSeries].Place is the resolved place. Prices are of type [Decimal] and keep the
// digits that imin sent. imin omits members without a value, so absent, null and empty give
// the same Go value; where 0 or false differs from absent, the field is a pointer.
//
// Every record keeps unknown members in Extra and writes them when it is encoded: providers
// add their own properties, and imin asks clients to expect them.
//
// # Three hosts
//
// The search APIs, the Places API and the Firehose use search.imin.co, places.imin.co and
// firehose.imin.co. A [Client] has one keyfit client per host. They share a keyring, so a
// rotated key changes for all of them. [keyfit.WithBaseURL] and IMIN_BASE_URL apply to all
// three hosts, for example for a mock; [WithPlacesURL] and similar options apply to one.
//
// # Firehose
//
// Feeds follow OpenActive's Realtime Paged Data Exchange. [Feed.All] reads to the last page;
// [Feed.Follow] continues from there. imin permits one poll of the last page every 8
// seconds, and the client respects that limit.
package imin
