package imkit

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"time"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/internal/wire"
)

// Block excludes a user from a room, or from another user's direct messages.
type Block struct {
	AppID     string                     `json:"appID,omitempty"`
	Blockee   Person                     `json:"blockee,omitzero"` // the excluded user
	Blocker   Person                     `json:"blocker,omitzero"` // an ID or an object, like a sender
	Room      Room                       `json:"room,omitzero"`    // an ID or an object
	CreatedAt time.Time                  `json:"createdAt,omitzero"`
	UpdatedAt time.Time                  `json:"updatedAt,omitzero"` // time of removal for a removed block
	Extra     map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON decodes a block and keeps unknown fields.
func (b *Block) UnmarshalJSON(data []byte) error {
	type plain Block
	return wire.Decode(data, (*plain)(b), &b.Extra)
}

// MarshalJSON encodes a block, unknown fields included.
func (b Block) MarshalJSON() ([]byte, error) {
	type plain Block
	return wire.Encode(plain(b), b.Extra)
}

// BansService bans users from sending to a room. Only the administrator and the owner of the
// room may use it. Page "Ban Member".
type BansService struct{ caller *caller }

func banRequest(method, room, user string) request {
	return request{method: method, template: "/blockStatus/room/{room}/{user}", values: []string{room, user}}
}

// Ban bans a user in a room. If the user is already banned, the error is a 409,
// USER_ALREADY_BLOCKED.
func (s *BansService) Ban(ctx context.Context, room, user string, opts ...keyfit.CallOption) (Block, error) {
	return call[Block](ctx, s.caller, banRequest(http.MethodPost, room, user), opts)
}

// Unban removes a ban and returns it. If there is none, the error is a 404, BLOCK_NOT_FOUND.
func (s *BansService) Unban(ctx context.Context, room, user string, opts ...keyfit.CallOption) (Block, error) {
	return call[Block](ctx, s.caller, banRequest(http.MethodDelete, room, user), opts)
}

// List returns all bans of a room, on one page.
func (s *BansService) List(ctx context.Context, room string, opts ...keyfit.CallOption) (Page[Block], error) {
	r := request{method: http.MethodGet, template: "/blockStatus/room/{room}", values: []string{room}}
	return call[Page[Block]](ctx, s.caller, r, opts)
}

// All iterates over the bans of a room.
func (s *BansService) All(ctx context.Context, room string, opts ...keyfit.CallOption) iter.Seq2[Block, error] {
	return whole(func() (Page[Block], error) { return s.List(ctx, room, opts...) })
}

// BlocksService blocks users from sending direct messages to the calling user. Page "Block
// a User".
type BlocksService struct{ caller *caller }

func blockRequest(method, user string) request {
	return request{method: method, template: "/blockStatus/my/{user}", values: []string{user}}
}

// Block blocks a user. If the user is already blocked, the error is a 409,
// USER_ALREADY_BLOCKED; blocking oneself is a 400, SELF_BLOCK_FORBIDDEN.
func (s *BlocksService) Block(ctx context.Context, user string, opts ...keyfit.CallOption) (Block, error) {
	return call[Block](ctx, s.caller, blockRequest(http.MethodPost, user), opts)
}

// Unblock removes a block and returns it. If there is none, the error is a 404,
// BLOCK_NOT_FOUND.
func (s *BlocksService) Unblock(ctx context.Context, user string, opts ...keyfit.CallOption) (Block, error) {
	return call[Block](ctx, s.caller, blockRequest(http.MethodDelete, user), opts)
}

// List returns all blocks of the calling user, on one page.
func (s *BlocksService) List(ctx context.Context, opts ...keyfit.CallOption) (Page[Block], error) {
	return call[Page[Block]](ctx, s.caller, request{method: http.MethodGet, template: "/blockStatus/my"}, opts)
}

// All iterates over the blocks of the calling user.
func (s *BlocksService) All(ctx context.Context, opts ...keyfit.CallOption) iter.Seq2[Block, error] {
	return whole(func() (Page[Block], error) { return s.List(ctx, opts...) })
}
