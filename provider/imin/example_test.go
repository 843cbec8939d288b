package imin_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/provider/imin"
)

// exampleClient returns a client of a mock that is frozen at noon on Wednesday, 2 January
// 2030, in place of imin.New().
func exampleClient() (client *imin.Client, done func() error) {
	srv, err := mockserver.NewHandler(mockserver.WithSeed(7), mockserver.WithFrozenClock(time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)))
	if err != nil {
		log.Fatal(err)
	}
	client, err = imin.New(
		keyfit.WithKey(srv.Keys().Issue(mockserver.Imin).Secret.Reveal()),
		keyfit.WithHTTPClient(&http.Client{Transport: srv.Transport()}),
	)
	if err != nil {
		log.Fatal(err)
	}
	return client, srv.Close
}

func ExampleEventSeriesService_Search() {
	ctx := context.Background()
	client, done := exampleClient()
	defer done()

	query := imin.EventQuery{
		Mode:           imin.DiscoveryGeo,
		Near:           &imin.Radial{Lat: 51.7520131, Lon: -1.2578499, Km: 1},
		ActivityLabels: []string{"Yoga"},
		StartTime:      imin.TimeOfDayRange{From: "17:00"},
		PriceAdult:     imin.PriceRange{AtMost: "6.50"},
	}
	for event, err := range client.EventSeries.Search(ctx, query) {
		if err != nil {
			fmt.Println(err)
			return
		}
		price, _ := event.AggregateOffer.PublicAdult.Range()
		fmt.Println(event.Name, price, event.AggregateOffer.PublicAdult.PriceCurrency)
		for run, session := range event.Sessions() {
			fmt.Println(session.StartDate.Format(time.RFC1123), "at", run.Place.Name)
			break
		}
	}
	// Output:
	// GOLDEN: Evening Yoga 6.5 GBP
	// Wed, 02 Jan 2030 18:00:00 UTC at Test Hall
}

func ExampleEventSeriesService_Get() {
	client, done := exampleClient()
	defer done()

	event, err := client.EventSeries.Get(context.Background(), "loremfitsum-1001")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, offer := range event.Runs[0].Offers[:1] {
		fmt.Println(offer.Name, offer.Price, offer.PriceCurrency)
	}
	fmt.Println(len(event.Extra), "property of the provider's own")

	_, err = client.EventSeries.Get(context.Background(), "loremfitsum-1")
	fmt.Println(errors.Is(err, keyfit.ErrNotFound))
	// Output:
	// Adult 6.5 GBP
	// 1 property of the provider's own
	// true
}

func ExampleEventSeriesService_List() {
	client, done := exampleClient()
	defer done()

	page, err := client.EventSeries.List(context.Background(), imin.EventQuery{
		Mode: imin.DiscoveryGeo, Near: &imin.Radial{Lat: 51.7520131, Lon: -1.2578499, Km: 20}, Limit: 5,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(page.Items), "of", *page.TotalItems, "on page", page.View.CurrentPage, "of", page.View.TotalPages)
	// Output:
	// 5 of 56 on page 1 of 12
}

func ExampleFacilityUsesService_All() {
	client, done := exampleClient()
	defer done()

	query := imin.FacilityQuery{
		Mode:      imin.UpcomingSlots,
		Near:      &imin.Radial{Lat: 51.7520131, Lon: -1.2578499, Km: 20},
		StartDate: imin.TimeRange{From: time.Date(2030, 1, 3, 18, 0, 0, 0, time.UTC)},
	}
	for facility, err := range client.FacilityUses.All(context.Background(), query) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(facility.Name)
		for court, slot := range facility.Slots() {
			if court != nil {
				fmt.Println(court.Name, slot.StartDate.Format("15:04"), *slot.RemainingUses, "left")
			}
		}
		break
	}

	query.StartDate.To = query.StartDate.From.AddDate(0, 0, 1)
	_, err := client.FacilityUses.List(context.Background(), query)
	fmt.Println(err)
	// Output:
	// GOLDEN: Test Hall Tennis Courts
	// Court 1 18:00 1 left
	// Court 1 21:00 1 left
	// Court 2 18:00 1 left
	// Court 2 20:00 1 left
	// imin: FacilityQuery.StartDate must begin and end on one calendar day of UTC with Mode upcoming-slots
}

func ExamplePlacesService_All() {
	client, done := exampleClient()
	defer done()

	query := imin.PlaceQuery{
		Near:            &imin.Radial{Lat: 51.7520131, Lon: -1.2578499, Km: 20},
		Classifications: []string{imin.Park},
	}
	for place, err := range client.Places.All(context.Background(), query) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(place.Name, place.Geo.Distance.Value, "km")
	}
	// Output:
	// Lorem Amet Park 5.675 km
	// Amet Wiza Park 8.057 km
}

func ExampleFeed_All() {
	client, done := exampleClient()
	defer done()

	for item, err := range client.Firehose.Datasets().All(context.Background(), "") {
		if err != nil {
			fmt.Println(err)
			return
		}
		if !item.Deleted() {
			fmt.Println(item.Data.Publisher.Name, item.Data.License)
		}
	}
	// Output:
	// Lorem Fitsum https://creativecommons.org/licenses/by/4.0/
	// Reference Implementation https://creativecommons.org/licenses/by/4.0/
	// Dolor Active https://creativecommons.org/licenses/by/4.0/
	// Ipsum Leisure https://creativecommons.org/licenses/by/4.0/
}

func ExampleFeed_Follow() {
	client, done := exampleClient()
	defer done()

	var saved imin.Position // a program stores it for its next start
	for page, err := range client.Firehose.BookableSellers("your-broker").Follow(context.Background(), saved) {
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, item := range page.Items {
			fmt.Println(item.ID, item.State)
		}
		saved = page.Next
		if page.Last() {
			break // a real program stays in the loop, which polls every 8 seconds
		}
	}
	_, query, _ := strings.Cut(string(saved), "?")
	fmt.Println("goes on at", query)
	// Output:
	// 1 updated
	// 2 updated
	// 3 updated
	// 4 deleted
	// 5 updated
	// goes on at afterTimestamp=1700000002&afterId=5
}

func ExampleWithPlacesURL() {
	client, err := imin.New(keyfit.WithKey("0123456789abcdef0123456789abcdef"), imin.WithPlacesURL("http://127.0.0.1:1"))
	fmt.Println(client != nil, err)
	// Output:
	// true <nil>
}
