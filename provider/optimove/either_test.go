package optimove_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/provider/optimove"
)

// Optimove's pages show few responses, and public clients read an array of the same function of
// which another reads an object: either decodes, for every function that returns one.
func TestAnObjectAndAListOfOneDecodeAlike(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		object string
		call   func(context.Context, *optimove.Client) (any, error)
		want   any
	}{
		"GetExecutedCampaignChannelDetails": {
			`{"ListID":7,"SendID":"LF3g11wg","TemplateID":8}`,
			func(ctx context.Context, c *optimove.Client) (any, error) {
				return c.Actions.CampaignChannel(ctx, 7, 504)
			},
			optimove.CampaignChannel{ListID: 7, SendID: "LF3g11wg", TemplateID: 8},
		},
		"the same, all": {
			`{"ListID":7,"TemplateID":8}`,
			func(ctx context.Context, c *optimove.Client) (any, error) {
				return c.Actions.CampaignChannels(ctx, 7, 504)
			},
			[]optimove.CampaignChannel{{ListID: 7, TemplateID: 8}},
		},
		"GetCustomerLastActionExecuted": {
			`{"ActionID":42,"Duration":7}`,
			func(ctx context.Context, c *optimove.Client) (any, error) { return c.Customers.LastAction(ctx, "A1") },
			optimove.PastAction{ActionID: 42, Duration: 7},
		},
		"GetLastDataUpdate": {
			`{"Date":"2027-01-14"}`,
			func(ctx context.Context, c *optimove.Client) (any, error) { return c.General.LastDataUpdate(ctx) },
			day,
		},
	} {
		for _, body := range []string{test.object, "[" + test.object + "]", " \n[ " + test.object + "\t] "} {
			c, _ := scripted(t, body)
			got, err := test.call(t.Context(), c)
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Errorf("%s: %s: %v (-want +got):\n%s", name, body, err, diff)
			}
		}
	}
}

func TestWhatIsNotOneObjectIsSaid(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`[]`:                          "no object",
		`null`:                        "no object",
		`[{"ListID":1},{"ListID":2}]`: "has 2 objects",
		`7`:                           "wanted",
		`[7]`:                         "wanted",
		`"text"`:                      "wanted",
		`[{"ListID":{}}]`:             "cannot be decoded",
	} {
		c, _ := scripted(t, body)
		_, err := c.Actions.CampaignChannel(t.Context(), 7, 504)
		if err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, keyfit.ErrNotFound) != (want == "no object") {
			t.Errorf("%s: %v", body, err)
		}
		all, err := c.Actions.CampaignChannels(t.Context(), 7, 504)
		if got := fmt.Sprint(len(all), err == nil); got != map[string]string{"no object": "0 true", "has 2 objects": "2 true"}[want] && err == nil {
			t.Errorf("%s: %s", body, got)
		}
	}
}
