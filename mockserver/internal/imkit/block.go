package imkit

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// blockKey identifies a block: of a user in a room (room, blockee), or of a user
// by another (blocker, blockee).
type blockKey struct{ room, blocker, blockee string }

// block excludes one user from a room, or from another user's direct messages.
type block struct {
	room, blocker, blockee string
	seq                    uint64
	at                     time.Time
}

func (b *block) size() int { return sizeOf(b.room, b.blocker, b.blockee) }

// blockView is a block in a response. Operations on one block write blocker and
// room as IDs. Lists write objects, except for the blocker in a user's own list.
type blockView struct {
	AppID     string `json:"appID,omitempty"`
	Blockee   person `json:"blockee"`
	Blocker   any    `json:"blocker"`
	Room      any    `json:"room"`
	CreatedAt string `json:"createdAt"`
	UpdatedAt string `json:"updatedAt"`
}

type blockRoom struct {
	ID        string `json:"_id"`
	Type      string `json:"roomType"`
	Same      string `json:"id"`
	CreatedMS int64  `json:"createdTimeMS"`
}

func (a *app) blockView(b *block) blockView {
	return blockView{appID, a.person(b.blockee), b.blocker, b.room, iso(b.at), iso(b.at)}
}

// listBlocks lists the selected blocks, oldest first. whole writes the blocker
// as an object.
func (a *app) listBlocks(of func(blockKey) bool, whole bool) any {
	var found []*block
	for key, b := range a.blocks {
		if of(key) {
			found = append(found, b)
		}
	}
	slices.SortFunc(found, func(x, y *block) int { return cmp.Compare(x.seq, y.seq) })
	data := make([]blockView, 0, len(found))
	for _, b := range found {
		v := a.blockView(b)
		v.AppID = ""
		if whole {
			v.Blocker = a.person(b.blocker)
		}
		v.Room = blockRoom{ID: b.room, Same: b.room}
		if r := a.rooms[b.room]; r != nil {
			v.Room = blockRoom{r.id, r.kind, r.id, r.created.UnixMilli()}
		}
		data = append(data, v)
	}
	return map[string][]blockView{"data": data}
}

func (a *app) addBlock(key blockKey, b *block) (any, error) {
	if err := a.reserve(b.size()); err != nil {
		return nil, err
	}
	a.seq++
	b.seq = a.seq
	a.blocks[key] = b
	return a.blockView(b), nil
}

func (a *app) unblock(key blockKey) {
	_ = a.reserve(-a.blocks[key].size()) // releasing never fails
	delete(a.blocks, key)
}

func userNotValid(rm string) *apiError {
	return refused(http.StatusBadRequest, rm, "INVALID_USER_ID", "The specified user ID is not valid")
}

func alreadyBlocked(message string) *apiError {
	return refused(http.StatusConflict, "User already blocked", "USER_ALREADY_BLOCKED", message)
}

func blockNotFound(message string) *apiError {
	return refused(http.StatusNotFound, "Block relationship not found", "BLOCK_NOT_FOUND", message)
}

// mayBan reports whether the caller may ban users from a room: the platform and
// the owner may; in a room without an owner every member may ("when a chatroom
// has an owner, only …").
func mayBan(c *surface.Call, r *room) bool {
	return isAdmin(c) || r.owner == c.Caller.User || r.owner == ""
}

func (a *app) ban(c *surface.Call) (any, error) {
	absent := refused(http.StatusNotFound, "Resource not found", "ROOM_OR_USER_NOT_FOUND", "The specified room or user does not exist")
	r, err := a.roomFor(c, c.PathValue("room"), absent, notMember())
	if err != nil {
		return nil, err
	}
	id := c.PathValue("user")
	key := blockKey{room: r.id, blockee: id}
	switch {
	case !mayBan(c, r):
		return nil, forbidden("Access denied", "Only platform admin and room owner can block users in group chat rooms")
	case a.users[id] == nil:
		return nil, absent
	case a.blocks[key] != nil:
		return nil, alreadyBlocked("This user is already blocked in this room")
	}
	by, _ := a.viewer(c)
	return a.addBlock(key, &block{room: r.id, blocker: firstOf(by, platform), blockee: id, at: c.Now})
}

func (a *app) unban(c *surface.Call) (any, error) {
	r, err := a.roomFor(c, c.PathValue("room"), roomNotFound(), notMember())
	if err != nil {
		return nil, err
	}
	id := c.PathValue("user")
	key := blockKey{room: r.id, blockee: id}
	switch b := a.blocks[key]; {
	case !mayBan(c, r):
		return nil, forbidden("Access denied", "Only room owner can unblock users in group chat rooms")
	case !validID(id):
		return nil, userNotValid("Invalid parameters")
	case b == nil:
		return nil, blockNotFound("No block relationship exists for this user in the specified room")
	default:
		a.unblock(key)
		return a.endedView(b, c.Now), nil
	}
}

// endedView returns the view of a removed block, whose updatedAt is the time of
// removal.
func (a *app) endedView(b *block, now time.Time) blockView {
	v := a.blockView(b)
	v.UpdatedAt = iso(now)
	return v
}

func (a *app) listBanned(c *surface.Call) (any, error) {
	r, err := a.roomFor(c, c.PathValue("room"), roomNotFound(), notMember())
	switch {
	case err != nil:
		return nil, err
	case !mayBan(c, r):
		return nil, forbidden("Access denied", "Only room owner can view blocklist in group chat rooms")
	}
	return a.listBlocks(func(key blockKey) bool { return key.room == r.id }, true), nil
}

// blockUser excludes a user from the caller's direct messages. It creates the
// direct room of the two users if it does not exist.
func (a *app) blockUser(c *surface.Call) (any, error) {
	u, err := a.caller(c)
	if err != nil {
		return nil, err
	}
	id := c.PathValue("user")
	key := blockKey{blocker: u.id, blockee: id}
	switch {
	case id == u.id:
		return nil, refused(http.StatusBadRequest, "Cannot block yourself", "SELF_BLOCK_FORBIDDEN", "Users cannot block themselves")
	case a.users[id] == nil:
		return nil, refused(http.StatusNotFound, "User not found", "USER_NOT_FOUND", "The specified user does not exist")
	case a.blocks[key] != nil:
		return nil, alreadyBlocked("This user is already in your block list")
	}
	r, err := a.directRoom(u.id, id, c.Now)
	if err != nil {
		return nil, err
	}
	return a.addBlock(key, &block{room: r.id, blocker: u.id, blockee: id, at: c.Now})
}

func (a *app) unblockUser(c *surface.Call) (any, error) {
	u, err := a.caller(c)
	if err != nil {
		return nil, err
	}
	id := c.PathValue("user")
	key := blockKey{blocker: u.id, blockee: id}
	switch b := a.blocks[key]; {
	case !validID(id):
		return nil, userNotValid("Invalid user ID")
	case b == nil:
		return nil, blockNotFound("No block relationship exists with this user")
	default:
		a.unblock(key)
		return a.endedView(b, c.Now), nil
	}
}

func (a *app) listBlocked(c *surface.Call) (any, error) {
	u, err := a.caller(c)
	if err != nil {
		return nil, err
	}
	return a.listBlocks(func(key blockKey) bool { return key.blocker == u.id }, false), nil
}
