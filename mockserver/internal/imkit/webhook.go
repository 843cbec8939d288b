package imkit

import "encoding/json"

// The events of a room's webhook that the mock plays (page "Webhook"). JOIN_ROOM is
// documented too; no operation of the mock makes a user join by itself.
const (
	eventMessage       = "MESSAGE"
	eventAddMembers    = "ADD_MEMBERS"
	eventDeleteMembers = "DELETE_MEMBERS"
)

// hook is a call to a room's webhook that is made once the operation has ended.
type hook struct {
	url  string
	body []byte
}

// hookBody is what the vendor posts.
type hookBody struct {
	AppID    string `json:"appID"`
	ClientID string `json:"clientID"`
	RoomID   string `json:"roomID"`
	Event    string `json:"event"`
	BotState bool   `json:"botState"`
	Data     any    `json:"data"`
}

// notify notes an event for the room's webhook, if it has one. by is the user who
// caused it.
func (a *app) notify(r *room, event, by string, data any) {
	if r.webhook == "" || a.env.Callback == nil {
		return
	}
	body, err := json.Marshal(hookBody{appID, by, r.id, event, r.botMode, data})
	if err != nil {
		return // a view always encodes
	}
	a.effects.hooks = append(a.effects.hooks, hook{r.webhook, body})
}

// notifyMembers notes that users were added to a room or removed from it.
func (a *app) notifyMembers(r *room, event, by string, ids []string) {
	if len(ids) == 0 {
		return
	}
	members := make([]person, 0, len(ids))
	for _, id := range ids {
		members = append(members, a.member(id))
	}
	a.notify(r, event, by, struct {
		Members []person `json:"members"`
	}{members})
}
