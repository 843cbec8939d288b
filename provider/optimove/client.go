package optimove

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/keyfit/keyfit"
)

// Client calls Optimove. It is safe for concurrent use.
type Client struct {
	// General is about the data as a whole and about events.
	General *GeneralService
	// Model is what customers are described by.
	Model *ModelService
	// Actions are actions and the campaigns that carry them out.
	Actions *ActionsService
	// Groups are target groups.
	Groups *GroupsService
	// Customers are the people: what reached them, and their attributes.
	Customers *CustomersService
	// Segments are value segments.
	Segments *SegmentsService
	// Integrations are for systems that send campaigns or hand out promotions.
	Integrations *IntegrationsService
	// Mail sends transactional mail.
	Mail *MailService

	keyfit *keyfit.Client
}

// New makes a client of the provider [keyfit.Optimove] on the host that Optimove assigned
// ("api4.optimove.net"); "" takes it from OPTIMOVE_BASE_URL. The key comes from an option,
// from OPTIMOVE_API_KEY or from .env. The error is a [*keyfit.NoKeyError] if no place has
// one, or says what is wrong.
func New(host string, opts ...keyfit.Option) (*Client, error) {
	c, err := keyfit.New(keyfit.Optimove(host), opts...)
	if err != nil {
		return nil, err
	}
	return FromClient(c), nil
}

// FromClient puts the types over a client that is there already; they share its keys, its
// gate and its connections.
func FromClient(c *keyfit.Client) *Client {
	return &Client{
		General: &GeneralService{c}, Model: newModel(c), Actions: &ActionsService{c}, Groups: &GroupsService{c},
		Customers: newCustomers(c), Segments: newSegments(c), Integrations: &IntegrationsService{c}, Mail: &MailService{c},
		keyfit: c,
	}
}

// Keyfit returns the client underneath, for its keys, their rotation, and calls without
// types.
func (c *Client) Keyfit() *keyfit.Client { return c.keyfit }

// params collects the parameters of a function. The first that is wrong stays in err.
type params struct {
	values     url.Values
	attributes []string
	err        error
}

func (p *params) fail(format string, args ...any) *params {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
	return p
}

func (p *params) set(name, value string) *params {
	if p.values == nil {
		p.values = url.Values{}
	}
	p.values.Set(name, value)
	return p
}

// id sets a required ID.
func (p *params) id(name string, id ID) *params {
	if id <= 0 {
		return p.fail("%s must be 1 or more", name)
	}
	return p.set(name, strconv.FormatInt(int64(id), 10))
}

// optional sets an ID unless it is 0.
func (p *params) optional(name string, id ID) *params {
	if id == 0 {
		return p
	}
	return p.id(name, id)
}

func (p *params) text(name, value string) *params {
	if value == "" {
		return p.fail("%s is empty", name)
	}
	return p.set(name, value)
}

func (p *params) date(d Date) *params {
	if !d.valid() {
		return p.fail("Date is missing or not in the calendar")
	}
	return p.set("Date", d.String())
}

func (p *params) flag(name string, on bool) *params {
	if !on {
		return p
	}
	return p.set(name, "true")
}

// names sets the attributes to read along. Where Optimove answers them as one string
// they are asked to be apart by a character that few values have.
func (p *params) names(attributes []string) *params {
	for _, name := range attributes {
		if name == "" || strings.Contains(name, ";") {
			return p.fail("Attributes has a name that is empty or has a semicolon in it")
		}
	}
	if len(attributes) > 0 {
		p.set("CustomerAttributes", strings.Join(attributes, ";"))
	}
	if len(attributes) > 1 {
		p.set("CustomerAttributesDelimiter", delimiter)
	}
	p.attributes = attributes
	return p
}

// wrong names the function in an error that is found before anything is sent.
func wrong(function string, err error) error {
	return fmt.Errorf("optimove: %s: %w", path.Base(function), err)
}

// get calls a function that answers one object.
func get[T any](ctx context.Context, c *keyfit.Client, function string, p *params, opts []keyfit.CallOption) (T, error) {
	if p.err != nil {
		var none T
		return none, wrong(function, p.err)
	}
	return keyfit.Get[T](ctx, c, function, append([]keyfit.CallOption{keyfit.Params(p.values)}, opts...)...)
}

// rows calls a function that answers a list.
func rows[T any](ctx context.Context, c *keyfit.Client, function string, p *params, opts []keyfit.CallOption) ([]T, error) {
	items, err := get[[]T](ctx, c, function, p, opts)
	if isNoData(err) {
		return nil, nil
	}
	if len(items) == 0 {
		return nil, err
	}
	for i := range items {
		if row, ok := any(&items[i]).(attributed); ok {
			row.separate(len(p.attributes))
		}
	}
	return items, err
}

// isNoData reports whether a 404 is Optimove's way to say that a list is empty: "Not
// Found" in plain text and nothing else. Another 404 may be a wrong host.
func isNoData(err error) bool {
	refused, ok := errors.AsType[*keyfit.APIError](err)
	if !ok || refused.StatusCode != http.StatusNotFound {
		return false
	}
	text := strings.TrimSpace(string(refused.Body()))
	return text == "" || strings.EqualFold(strings.Trim(text, `."`), "Not Found")
}

// send calls a function that changes something and answers without a payload.
func send(ctx context.Context, c *keyfit.Client, method, function string, body any, p *params, opts []keyfit.CallOption) error {
	if p.err != nil {
		return wrong(function, p.err)
	}
	_, err := keyfit.Send[struct{}](ctx, c, method, function, body, append([]keyfit.CallOption{keyfit.Params(p.values)}, opts...)...)
	return err
}
