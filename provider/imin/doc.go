// Package imin calls imin's search of sport and physical activity in Britain: events,
// facilities and their slots, places, and the Firehose feeds. Records are OpenActive's
// with imin's additions. Source: docs.imin.co.
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
// Each service has List for one page and All for all of them: one request a page, made
// when the loop comes to it; leaving the loop stops. Get reads one record in full. What a
// query leaves at its zero value is not sent. What imin's pages rule out (a facility
// search by distance with a date, more than 50 items a page, a URL above 2,048
// characters) is an error that names the field, and nothing is sent. A filter that
// [EventQuery] does not have goes along as a [keyfit.Param].
//
// The search looks 14 days ahead. Sessions and slots that began are archived; a series or
// a facility whose last one is over is no longer found by its ID, which is
// [keyfit.ErrNotFound].
//
// # Records
//
// An [EventSeries] holds runs ([SessionSeries]), each with its [ScheduledSession] values. imin
// writes places once, in imin:locationSummary, and refers to them from the runs;
// [SessionSeries].Place is the place itself. Prices are a [Decimal] with the digits that
// imin sent. imin leaves out what has no value, so absent, null and empty are one Go
// value, and where 0 or false is not the same as absent the field is a pointer.
//
// Every record keeps what its type does not know in Extra, and writes it again: providers
// add properties of their own, and imin asks its clients to expect that.
//
// # Three hosts
//
// Search, Places API and Firehose live on search.imin.co, places.imin.co and
// firehose.imin.co. A [Client] has a keyfit client for each, over one keyring, so a key
// that is rotated changes for all three. [keyfit.WithBaseURL] and IMIN_BASE_URL move the
// three together, as to a mock; [WithPlacesURL] and the like move one.
//
// # Firehose
//
// Feeds follow OpenActive's Realtime Paged Data Exchange. [Feed.All] reads up to the
// last page, [Feed.Follow] goes on from there. imin permits one poll of the last page in
// 8 seconds, and the client keeps to that by itself.
package imin
