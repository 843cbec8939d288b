package imkit

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// batchDelay is how long a batch waits in the queue, on the mock clock: the
// response "only indicates that the task has been created".
const batchDelay = time.Second

// job is one queued message of a batch.
type job struct {
	due  time.Time
	room string
	msg  message
}

type batchInput struct {
	Message json.RawMessage               `json:"message"`
	Type    string                        `json:"messageType"`
	Sender  string                        `json:"sender"`
	Push    bool                          `json:"push"`
	Skip    bool                          `json:"skipTotalBadge"`
	Paras   *[]map[string]json.RawMessage `json:"paras"`
}

func (a *app) sendBatch(c *surface.Call) (any, error) {
	var in batchInput
	if err := decode(c, &in, invalidBody); err != nil {
		return nil, err
	}
	switch {
	case !present(in.Message):
		return nil, missing("message")
	case in.Type == "":
		return nil, missing("messageType")
	case in.Paras == nil:
		return nil, missing("paras")
	case len(*in.Paras) > maxPending:
		return nil, invalidBody("paras has more than 10000 recipients")
	case in.Sender == "":
		in.Sender = platform
		if err := a.ensureUser(platform, c.Now); err != nil {
			return nil, err
		}
	case !a.exists(in.Sender):
		return nil, clientNotFound()
	}
	jobs := make([]job, 0, len(*in.Paras))
	for _, para := range *in.Paras {
		room, err := a.recipientRoom(&in, para, c.Now)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, job{c.Now.Add(batchDelay), room, message{sender: in.Sender, kind: in.Type, text: expandTemplate(in.Message, para)}})
	}
	if len(a.pending)+len(jobs) > maxPending { // send the queued messages early to bound the queue
		a.sendDue(c.Now.Add(batchDelay))
	}
	a.pending = append(a.pending, jobs...)
	return struct {
		ID    string `json:"batchID"`
		Count int    `json:"count"`
	}{a.ids.batch(c.Now), len(jobs)}, nil
}

// recipientRoom returns the room of one entry of paras: the given room, or the
// direct room of sender and receiver.
func (a *app) recipientRoom(in *batchInput, para map[string]json.RawMessage, now time.Time) (string, error) {
	var room, receiver string
	for name, to := range map[string]*string{"room": &room, "receiver": &receiver} {
		if raw := para[name]; present(raw) && json.Unmarshal(raw, to) != nil {
			return "", invalidBody("paras." + name + " has the wrong type")
		}
	}
	switch {
	case room != "": // "if specified, receiver is ignored"
		if a.rooms[room] == nil {
			return "", roomNotFound()
		}
		return room, nil
	case receiver == "":
		return "", missing("paras.receiver or paras.room")
	case a.users[receiver] == nil:
		return "", clientNotFound()
	}
	r, err := a.directRoom(in.Sender, receiver, now)
	if err != nil {
		return "", err
	}
	return r.id, nil
}

// expandTemplate replaces each $name$ in the message by the value of the entry. It
// returns a message that is not a string unchanged.
func expandTemplate(raw json.RawMessage, para map[string]json.RawMessage) json.RawMessage {
	var template string
	if json.Unmarshal(raw, &template) != nil {
		return raw
	}
	var pairs []string
	for name, value := range para {
		var s string
		if len(name) > 2 && name[0] == '$' && name[len(name)-1] == '$' && json.Unmarshal(value, &s) == nil {
			pairs = append(pairs, name, s)
		}
	}
	filled := strings.NewReplacer(pairs...).Replace(template)
	if len(filled) > maxRequest { // bounds the expansion of repeated names
		filled = strings.ToValidUTF8(filled[:maxRequest], "")
	}
	return text(filled)
}

// sendDue sends the queued messages that are due. It drops a message that can no
// longer be sent, because the response was sent when it was queued.
func (a *app) sendDue(now time.Time) {
	n := slices.IndexFunc(a.pending, func(j job) bool { return j.due.After(now) })
	if n < 0 {
		n = len(a.pending)
	}
	if n == 0 {
		return
	}
	a.effects.changed = true
	for i := range a.pending[:n] {
		j := a.pending[i]
		if r := a.rooms[j.room]; r != nil && a.maySend(r, j.msg.sender) == nil {
			a.post(r, &j.msg, j.due)
		}
	}
	a.pending = slices.Clone(a.pending[n:])
}
