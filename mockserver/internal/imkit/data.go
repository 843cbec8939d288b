package imkit

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// contents is the stored form of an application, with the vendor's names where
// they exist. Unread positions and the index of direct rooms are derived from it;
// tokens are stored as keys.
type contents struct {
	users    []userData
	groups   []groupData
	rooms    []roomData
	messages []messageData
	blocks   []blockData
	config   []settingData
	batches  []batchData
}

type userData struct {
	ID          string    `json:"_id"`
	Nickname    string    `json:"nickname,omitempty"`
	Email       string    `json:"email,omitempty"`
	Description string    `json:"description,omitempty"`
	AvatarURL   string    `json:"avatarUrl,omitempty"`
	Mute        []string  `json:"mute,omitempty"` // rooms, including deleted ones
	CreatedAt   time.Time `json:"createdAt,omitzero"`
	UpdatedAt   time.Time `json:"updatedAt,omitzero"`
}

type groupData struct {
	ID        string    `json:"_id"`
	Nickname  string    `json:"nickname"`
	AvatarURL string    `json:"avatarUrl,omitempty"`
	Members   []string  `json:"members"`
	CreatedAt time.Time `json:"createdAt,omitzero"`
}

type roomData struct {
	ID          string            `json:"_id"`
	Type        string            `json:"roomType,omitempty"` // default: group
	Name        string            `json:"name,omitempty"`
	Cover       string            `json:"cover,omitempty"`
	Description string            `json:"description,omitempty"`
	Webhook     string            `json:"webhook,omitempty"`
	ExtParams   string            `json:"extParams,omitempty"`
	Owner       string            `json:"owner,omitempty"`
	Tags        []string          `json:"roomTags,omitempty"`
	Managers    []string          `json:"managers,omitempty"`
	Members     []string          `json:"members"`
	Invited     []string          `json:"invited,omitempty"`
	BotMode     bool              `json:"botMode,omitempty"`
	Opening     *int              `json:"opening,omitempty"` // default: 1
	Status      *int              `json:"status,omitempty"`  // default: 1; 0: frozen
	CreatedAt   time.Time         `json:"createdAt,omitzero"`
	Unread      map[string]int    `json:"unread,omitempty"`   // by member; capped at the messages of others
	LastRead    map[string]string `json:"lastRead,omitempty"` // by member; message ID, possibly deleted

	Properties map[string]properties `json:"memberProperties,omitempty"` // by member, as Update Member Property sets them
}

// messageData is a message; the collection is in the order of sending.
type messageData struct {
	ID        string          `json:"_id"`
	Room      string          `json:"room"`
	Sender    string          `json:"sender"`
	Member    string          `json:"member,omitempty"` // subject of a system message
	Type      string          `json:"messageType"`
	Message   json.RawMessage `json:"message"`
	Pinned    *bool           `json:"pinned,omitempty"`
	CreatedAt time.Time       `json:"createdAt,omitzero"`
	UpdatedAt time.Time       `json:"updatedAt,omitzero"`
}

// blockData excludes a user from a room (by room) or from the direct messages of
// another user (by user).
type blockData struct {
	By        string    `json:"by"`
	Room      string    `json:"room"`
	Blocker   string    `json:"blocker"`
	Blockee   string    `json:"blockee"`
	CreatedAt time.Time `json:"createdAt,omitzero"`
}

const (
	byRoom = "room"
	byUser = "user"
)

type settingData struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

// batchData is one queued message of a batch.
type batchData struct {
	Due     time.Time       `json:"due"`
	Room    string          `json:"room"`
	Sender  string          `json:"sender"`
	Type    string          `json:"messageType"`
	Message json.RawMessage `json:"message"`
}

func (a *app) data() surface.Data {
	return &surface.Tables[contents]{
		Collections: []surface.Collection[contents]{
			surface.NewCollection("users", func(d *contents) *[]userData { return &d.users }, "_id"),
			surface.NewCollection("groups", func(d *contents) *[]groupData { return &d.groups }, "_id"),
			surface.NewCollection("rooms", func(d *contents) *[]roomData { return &d.rooms }, "_id"),
			surface.NewCollection("messages", func(d *contents) *[]messageData { return &d.messages }, "_id"),
			surface.NewCollection("blocks", func(d *contents) *[]blockData { return &d.blocks }, "by", "room", "blocker", "blockee"),
			surface.NewCollection("config", func(d *contents) *[]settingData { return &d.config }, "key"),
			surface.NewCollection("batches", func(d *contents) *[]batchData { return &d.batches }, "due", "room", "sender", "message"),
		},
		Snapshot: func() contents {
			a.mu.Lock()
			defer a.mu.Unlock()
			return a.snapshot()
		},
		Update: a.update,
	}
}

// update edits a snapshot, builds an application from it and takes over its state.
func (a *app) update(change func(*contents) error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	d := a.snapshot()
	if err := change(&d); err != nil {
		return err
	}
	d.dropSample()
	next := newApp(a.env)
	next.ids = a.ids // never reuse an ID
	if err := next.load(&d); err != nil {
		return err
	}
	a.ids, a.used, a.users, a.userOrder = next.ids, next.used, next.users, next.userOrder
	a.groups, a.groupOrder, a.rooms, a.roomOrder = next.groups, next.groupOrder, next.rooms, next.roomOrder
	a.direct, a.messages, a.oldest, a.bytes, a.seq = next.direct, next.messages, next.oldest, next.bytes, next.seq
	a.pending, a.blocks, a.config = next.pending, next.blocks, next.config
	return nil
}

// snapshot copies the state. The caller holds mu.
func (a *app) snapshot() contents {
	var d contents
	for _, id := range a.userOrder {
		u := a.users[id]
		d.users = append(d.users, userData{u.id, u.nickname, u.email, u.description, u.avatar, u.muted, u.created, u.updated})
	}
	for _, id := range a.groupOrder {
		g := a.groups[id]
		d.groups = append(d.groups, groupData{g.id, g.nickname, g.avatar, g.members, g.created})
	}
	for _, id := range a.roomOrder {
		d.rooms = append(d.rooms, a.rooms[id].snapshot())
	}
	for e := a.oldest.Front(); e != nil; e = e.Next() {
		if m, ok := e.Value.(*message); ok {
			d.messages = append(d.messages, messageData{m.id, m.room.id, m.sender, m.member, m.kind, m.text, m.pinned, m.sent, m.updated})
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(a.blocks), func(x, y blockKey) int { return cmp.Compare(a.blocks[x].seq, a.blocks[y].seq) }) {
		b, by := a.blocks[key], byRoom
		if key.blocker != "" {
			by = byUser
		}
		d.blocks = append(d.blocks, blockData{by, b.room, b.blocker, b.blockee, b.at})
	}
	for _, key := range slices.Sorted(maps.Keys(a.config)) {
		d.config = append(d.config, settingData{key, a.config[key]})
	}
	for _, j := range a.pending {
		if a.rooms[j.room] != nil { // messages to deleted rooms are never sent
			d.batches = append(d.batches, batchData{j.due, j.room, j.msg.sender, j.msg.kind, j.msg.text})
		}
	}
	return d
}

func (r *room) snapshot() roomData {
	d := roomData{
		ID: r.id, Type: r.kind, Name: r.name, Cover: r.cover, Description: r.description, Webhook: r.webhook,
		ExtParams: r.extParams, Owner: r.owner, Tags: r.tags, Managers: r.managers, Members: r.members, Invited: r.invited,
		BotMode: r.botMode, Opening: new(r.opening), Status: new(r.status), CreatedAt: r.created,
		Properties: r.properties,
	}
	for id, read := range r.reads {
		if read.unread > 0 {
			if d.Unread == nil {
				d.Unread = make(map[string]int)
			}
			d.Unread[id] = read.unread
		}
		if read.last != "" {
			if d.LastRead == nil {
				d.LastRead = make(map[string]string)
			}
			d.LastRead[id] = read.last
		}
	}
	return d
}
