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
	// General calls the functions about data updates and event listeners.
	General *GeneralService
	// Model calls the functions about attributes, lifecycle stages and microsegments.
	Model *ModelService
	// Actions calls the functions about actions and campaigns.
	Actions *ActionsService
	// Groups calls the functions about target groups.
	Groups *GroupsService
	// Customers calls the functions about customers, their actions and attributes.
	Customers *CustomersService
	// Segments calls the functions about value segments.
	Segments *SegmentsService
	// Integrations calls the functions for systems that execute campaigns or manage promotions.
	Integrations *IntegrationsService
	// Mail sends transactional mail.
	Mail *MailService

	keyfit *keyfit.Client
}

// New returns a client for the provider [keyfit.Optimove] on the host that Optimove assigned,
// such as "api4.optimove.net"; if host is "", OPTIMOVE_BASE_URL is used. The key comes from an
// option, from OPTIMOVE_API_KEY or from .env. The error is a [*keyfit.NoKeyError] if there is
// no key, or names the invalid option. New sends no request.
func New(host string, opts ...keyfit.Option) (*Client, error) {
	c, err := keyfit.New(keyfit.Optimove(host), opts...)
	if err != nil {
		return nil, err
	}
	return FromClient(c), nil
}

// FromClient wraps an existing client, with which it shares keys, gate and connections.
func FromClient(c *keyfit.Client) *Client {
	return &Client{
		General: &GeneralService{c}, Model: newModel(c), Actions: &ActionsService{c}, Groups: &GroupsService{c},
		Customers: newCustomers(c), Segments: newSegments(c), Integrations: &IntegrationsService{c}, Mail: &MailService{c},
		keyfit: c,
	}
}

// Keyfit returns the underlying client, for keys, rotation and untyped calls.
func (c *Client) Keyfit() *keyfit.Client { return c.keyfit }

// params collects the parameters of a function and the first error.
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
	if !d.Valid() {
		return p.fail("Date is missing or invalid")
	}
	return p.set("Date", d.String())
}

func (p *params) flag(name string, on bool) *params {
	if !on {
		return p
	}
	return p.set(name, "true")
}

// names sets the customer attributes to include. It requests a delimiter that few values
// contain, because Optimove may return the values as one string.
func (p *params) names(attributes []string) *params {
	for _, name := range attributes {
		if name == "" || strings.Contains(name, ";") {
			return p.fail("Attributes has a name that is empty or contains a semicolon")
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

// wrap adds the name of the function to an error that prevented a request.
func wrap(function string, err error) error {
	return fmt.Errorf("optimove: %s: %w", path.Base(function), err)
}

// route names the operation of a call for hooks and log.
func route(method, function string) keyfit.CallOption {
	return keyfit.WithRoute(method + " " + function)
}

// get calls a function that returns one object.
func get[T any](ctx context.Context, c *keyfit.Client, function string, p *params, opts []keyfit.CallOption) (T, error) {
	items, err := read[either[T]](ctx, c, function, p, opts)
	if err != nil {
		var none T
		return none, err
	}
	return items.only(function)
}

// read calls a function and decodes its response.
func read[T any](ctx context.Context, c *keyfit.Client, function string, p *params, opts []keyfit.CallOption) (T, error) {
	if p.err != nil {
		var none T
		return none, wrap(function, p.err)
	}
	return keyfit.Get[T](ctx, c, function, append([]keyfit.CallOption{route(http.MethodGet, function), keyfit.Params(p.values)}, opts...)...)
}

// rows calls a function that returns a list.
func rows[T any](ctx context.Context, c *keyfit.Client, function string, p *params, opts []keyfit.CallOption) ([]T, error) {
	items, err := read[[]T](ctx, c, function, p, opts)
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

// isNoData reports whether a 404 means that a list is empty, which Optimove may report as
// "Not Found" in plain text. Any other 404 may come from a wrong host.
func isNoData(err error) bool {
	refused, ok := errors.AsType[*keyfit.APIError](err)
	if !ok || refused.StatusCode != http.StatusNotFound {
		return false
	}
	text := strings.TrimSpace(string(refused.Body()))
	return text == "" || strings.EqualFold(strings.Trim(text, `."`), "Not Found")
}

// send calls a function that returns no payload.
func send(ctx context.Context, c *keyfit.Client, method, function string, body any, p *params, opts []keyfit.CallOption) error {
	if p.err != nil {
		return wrap(function, p.err)
	}
	_, err := keyfit.Send[struct{}](ctx, c, method, function, body, append([]keyfit.CallOption{route(method, function), keyfit.Params(p.values)}, opts...)...)
	return err
}
