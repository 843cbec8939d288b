package imin_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/provider/imin"
)

func TestEveryPathParameterReachesTheServerAsOneValue(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(*imin.Client, context.Context, string) error{
		"/events-api/v2/event-series/": func(c *imin.Client, ctx context.Context, v string) error {
			_, err := c.EventSeries.Get(ctx, v)
			return err
		},
		"/facilities-api/v2/facility-uses/": func(c *imin.Client, ctx context.Context, v string) error {
			_, err := c.FacilityUses.Get(ctx, v)
			return err
		},
		"/facilities-api/v2/slots/": func(c *imin.Client, ctx context.Context, v string) error { _, err := c.Slots.Get(ctx, v); return err },
		"/firehose/bookable-sellers/": func(c *imin.Client, ctx context.Context, v string) error {
			_, err := c.Firehose.BookableSellers(v).List(ctx, "")
			return err
		},
	} {
		for _, value := range nasty() {
			t.Run(fmt.Sprintf("%s%q", name, value), func(t *testing.T) {
				t.Parallel()
				var got *url.URL
				c := canned(t, func(r *http.Request) (int, string) { got = r.URL; return 200, `{}` })
				if err := call(c, t.Context(), value); err != nil {
					t.Fatal(err)
				}
				last, ok := strings.CutPrefix(got.EscapedPath(), name)
				back, err := url.PathUnescape(last)
				if !ok || err != nil || back != value || strings.Contains(last, "/") || got.RawQuery != "" {
					t.Errorf("%s came, %v", got.RequestURI(), err)
				}
			})
		}
	}
}

func nasty() []string {
	return []string{`'"`, "a/b", "..", ".", "../../admin", "%2F", "a%00", "\r\nX-Evil: 1", "é世🙂", "a b+c", "?x=1&mode=y#z", "{id}", "a;b,c=d", "[gte]", "\xff"}
}

func TestEveryQueryParameterReachesTheServerAsOneValue(t *testing.T) {
	t.Parallel()
	for _, v := range nasty() {
		t.Run(fmt.Sprintf("%q", v), func(t *testing.T) {
			t.Parallel()
			list := []string{v, "x", v}
			var got url.Values
			c := canned(t, func(r *http.Request) (int, string) {
				got, _ = url.ParseQuery(r.URL.RawQuery)
				return 200, `{}`
			})
			q := imin.EventQuery{
				Mode: imin.EventMode(v), Virtual: new(true), ActivityIDs: list, ActivityLabels: list, ActivityCollectionIDs: list,
				GenderRestrictions: list, Levels: list, Tags: list, WithoutTags: list, Entitlement: v, ActivitySchemes: list,
				OrganizerIDs: list, OrganizerName: v, AccessibilitySupportIDs: list, SpecialRequirementIDs: list, LeaderGenders: list,
				Amenities: list, ChannelsAdult: list, ChannelsJunior: list,
			}
			if _, err := c.EventSeries.List(t.Context(), q); err != nil {
				t.Fatal(err)
			}
			want := url.Values{
				"mode": {v}, "isVirtual": {"true"}, "activityId": list, "activityPrefLabel": list, "activityConceptCollectionId": list,
				"genderRestriction": list, "levelType": list, "iminTag": list, "iminTag[not]": append(slices.Clone(list), "HighFrequencySession"),
				"entitlementFilter": {v}, "activityInScheme": list, "organizerId": list, "organizerName[textSearch]": {v},
				"accessibilitySupportId": list, "specialRequirementId": list, "leaderGender": list, "amenityFeatureType[valueTrue]": list,
				"availableChannelAdult": list, "availableChannelJunior": list,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			f := imin.FacilityQuery{Mode: imin.FacilityMode(v), Near: oxford(1), ProviderIDs: list, ActivityIDs: list, ActivityLabels: list}
			if _, err := c.FacilityUses.List(t.Context(), f); err != nil {
				t.Fatal(err)
			}
			want = url.Values{"mode": {v}, "geo[radial]": {"51.7520131,-1.2578499,1"}, "providerId": list, "activityId": list, "activityPrefLabel": list}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("facilities (-want +got):\n%s", diff)
			}
			if _, err := c.Places.List(t.Context(), imin.PlaceQuery{Classifications: list, ActivityIDs: list}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(url.Values{"placeClassification": list, "activityId": list}, got); diff != "" {
				t.Errorf("places (-want +got):\n%s", diff)
			}
		})
	}
}
