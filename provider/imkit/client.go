package imkit

import (
	"errors"
	"strings"

	"github.com/keyfit/keyfit"
)

// Client calls the API as the platform's administrator, with an API key. It is safe for
// concurrent use. Create it with [New] or [FromClient].
type Client struct {
	Users    *UsersService
	Tokens   *TokensService
	Groups   *GroupsService
	Rooms    *AdminRoomsService
	Members  *MembersService
	Messages *AdminMessagesService
	Mutes    *AdminMutesService
	Bans     *BansService
	Config   *AdminConfigService
	Push     *PushService
	Stats    *StatsService

	keyfit *keyfit.Client
}

// New returns the administrator's client of an application, https://app.imkit.io. The key
// comes from an option, IMKIT_API_KEY or .env, as in [keyfit.New]; without a key the error is
// a [*keyfit.NoKeyError]. If app is "", the base URL must come from IMKIT_BASE_URL or
// [keyfit.WithBaseURL].
func New(app string, opts ...keyfit.Option) (*Client, error) {
	c, err := keyfit.New(keyfit.IMKIT(app), opts...)
	if err != nil {
		return nil, err
	}
	return FromClient(c), nil
}

// FromClient wraps an existing client that has an API key, such as one for [keyfit.IMKIT].
func FromClient(c *keyfit.Client) *Client {
	s := &caller{client: c}
	return &Client{
		Users: &UsersService{s}, Tokens: &TokensService{s}, Groups: &GroupsService{s},
		Rooms: &AdminRoomsService{&RoomsService{s}}, Members: &MembersService{s},
		Messages: &AdminMessagesService{&MessagesService{s}}, Mutes: &AdminMutesService{s}, Bans: &BansService{s},
		Config: &AdminConfigService{&ConfigService{s}}, Push: &PushService{s}, Stats: &StatsService{s},
		keyfit: c,
	}
}

// Keyfit returns the underlying client, for keys, rotation and untyped calls.
func (c *Client) Keyfit() *keyfit.Client { return c.keyfit }

// As returns a client for user-level calls on behalf of a user, which sends the API key and
// IM-CLIENT-ID. The vendor documents that an API key may make these calls (page "API Key"),
// but documents the header only for GET /rooms.
func (c *Client) As(user string) *UserClient { return newUserClient(c.keyfit, user, true) }

// UserClient calls the API as one user: with the client key and the user's token, or, if it
// comes from [Client.As], with the API key. It is safe for concurrent use.
type UserClient struct {
	Me       *MeService
	Rooms    *UserRoomsService
	Members  *MembersService
	Messages *MessagesService
	Mutes    *UserMutesService
	Bans     *BansService
	Blocks   *BlocksService
	Badges   *BadgesService
	Search   *SearchService
	Config   *ConfigService

	keyfit *keyfit.Client
	user   string
}

// NewUser returns the client of one user of an application. The pair comes from an option
// ([keyfit.WithSource] with [keyfit.KeyPair]), from IMKIT_CLIENT_KEY and IMKIT_USER_TOKEN, or
// from .env, as in [keyfit.New]. user is the ID of the token's user, which GET /rooms requires
// (page "List Rooms"); it must not be empty.
func NewUser(app, user string, opts ...keyfit.Option) (*UserClient, error) {
	if err := headerValue(user); err != nil {
		return nil, errors.New("imkit: " + err.Error())
	}
	c, err := keyfit.New(keyfit.IMKITUser(app), opts...)
	if err != nil {
		return nil, err
	}
	return UserFromClient(c, user), nil
}

// UserFromClient wraps an existing client that has the pair of that user, such as one for
// [keyfit.IMKITUser].
func UserFromClient(c *keyfit.Client, user string) *UserClient {
	return newUserClient(c, user, false)
}

func newUserClient(c *keyfit.Client, user string, byAdmin bool) *UserClient {
	s := &caller{client: c, user: user, byAdmin: byAdmin}
	return &UserClient{
		Me: &MeService{s}, Rooms: &UserRoomsService{&RoomsService{s}}, Members: &MembersService{s},
		Messages: &MessagesService{s}, Mutes: &UserMutesService{s}, Bans: &BansService{s}, Blocks: &BlocksService{s},
		Badges: &BadgesService{s}, Search: &SearchService{s}, Config: &ConfigService{s},
		keyfit: c, user: user,
	}
}

// Keyfit returns the underlying client, for keys, rotation and untyped calls.
func (c *UserClient) Keyfit() *keyfit.Client { return c.keyfit }

// UserID returns the ID of the user.
func (c *UserClient) UserID() string { return c.user }

// headerValue returns an error if a user's ID cannot be sent unchanged in the header
// IM-CLIENT-ID (RFC 9110, section 5.5).
func headerValue(user string) error {
	switch {
	case user == "":
		return errors.New("the user is empty")
	case strings.TrimSpace(user) != user || strings.ContainsFunc(user, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return errors.New("the user cannot be sent in the header IM-CLIENT-ID: it has surrounding white space or a control character")
	}
	return nil
}
