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

// Block keeps a user out of a room, or out of another user's direct messages.
type Block struct {
	AppID     string                     `json:"appID,omitempty"`
	Blockee   Person                     `json:"blockee,omitzero"` // who is kept out
	Blocker   Person                     `json:"blocker,omitzero"` // an ID or an object, as a sender
	Room      Room                       `json:"room,omitzero"`    // an ID or an object
	CreatedAt time.Time                  `json:"createdAt,omitzero"`
	UpdatedAt time.Time                  `json:"updatedAt,omitzero"` // of a block that has ended, its end
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

// BansService keeps users from sending to a room. Page "Ban Member". It takes the
// administrator or the room's owner.
type BansService struct{ caller *caller }

func banRequest(method, room, user string) request {
	return request{method: method, template: "/blockStatus/room/{room}/{user}", values: []string{room, user}}
}

// Ban bans a user in a room. One who is banned already is a 409, USER_ALREADY_BLOCKED.
func (s *BansService) Ban(ctx context.Context, room, user string, opts ...keyfit.CallOption) (Block, error) {
	return call[Block](ctx, s.caller, banRequest(http.MethodPost, room, user), opts)
}

// Unban ends a ban and returns it. One that is not there is a 404, BLOCK_NOT_FOUND.
func (s *BansService) Unban(ctx context.Context, room, user string, opts ...keyfit.CallOption) (Block, error) {
	return call[Block](ctx, s.caller, banRequest(http.MethodDelete, room, user), opts)
}

// List returns the bans of a room: one page, which is all of them.
func (s *BansService) List(ctx context.Context, room string, opts ...keyfit.CallOption) (Page[Block], error) {
	r := request{method: http.MethodGet, template: "/blockStatus/room/{room}", values: []string{room}}
	return call[Page[Block]](ctx, s.caller, r, opts)
}

// All ranges over the bans of a room.
func (s *BansService) All(ctx context.Context, room string, opts ...keyfit.CallOption) iter.Seq2[Block, error] {
	return whole(func() (Page[Block], error) { return s.List(ctx, room, opts...) })
}

// BlocksService keeps users out of the calling user's direct messages. Page "Block a User".
type BlocksService struct{ caller *caller }

func blockRequest(method, user string) request {
	return request{method: method, template: "/blockStatus/my/{user}", values: []string{user}}
}

// Block blocks a user. One who is blocked already is a 409, USER_ALREADY_BLOCKED; oneself
// is a 400, SELF_BLOCK_FORBIDDEN.
func (s *BlocksService) Block(ctx context.Context, user string, opts ...keyfit.CallOption) (Block, error) {
	return call[Block](ctx, s.caller, blockRequest(http.MethodPost, user), opts)
}

// Unblock ends a block and returns it. One that is not there is a 404, BLOCK_NOT_FOUND.
func (s *BlocksService) Unblock(ctx context.Context, user string, opts ...keyfit.CallOption) (Block, error) {
	return call[Block](ctx, s.caller, blockRequest(http.MethodDelete, user), opts)
}

// List returns whom the calling user has blocked: one page, which is all of them.
func (s *BlocksService) List(ctx context.Context, opts ...keyfit.CallOption) (Page[Block], error) {
	return call[Page[Block]](ctx, s.caller, request{method: http.MethodGet, template: "/blockStatus/my"}, opts)
}

// All ranges over whom the calling user has blocked.
func (s *BlocksService) All(ctx context.Context, opts ...keyfit.CallOption) iter.Seq2[Block, error] {
	return whole(func() (Page[Block], error) { return s.List(ctx, opts...) })
}
