package imkit

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// batchDelay is how long, by the mock clock, a batch waits in the queue: the
// answer "only indicates that the task has been created".
const batchDelay = time.Second

// job is one message of a batch that waits.
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
	case !given(in.Message):
		return nil, missing("message")
	case in.Type == "":
		return nil, missing("messageType")
	case in.Paras == nil:
		return nil, missing("paras")
	case len(*in.Paras) > maxPending:
		return nil, invalidBody("paras has more than 10000 recipients")
	case in.Sender == "":
		in.Sender = platform
		if err := a.meet(platform, c.Now); err != nil {
			return nil, err
		}
	case !a.exists(in.Sender):
		return nil, clientNotFound()
	}
	jobs := make([]job, 0, len(*in.Paras))
	for _, para := range *in.Paras {
		room, err := a.addressee(&in, para, c.Now)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, job{c.Now.Add(batchDelay), room, message{sender: in.Sender, kind: in.Type, text: fill(in.Message, para)}})
	}
	if len(a.pending)+len(jobs) > maxPending { // what waited is sent early rather than kept
		a.settle(c.Now.Add(batchDelay))
	}
	a.pending = append(a.pending, jobs...)
	return struct {
		ID    string `json:"batchID"`
		Count int    `json:"count"`
	}{a.ids.batch(c.Now), len(jobs)}, nil
}

// addressee finds the room that one entry of paras means: its room, or the
// room of sender and receiver.
func (a *app) addressee(in *batchInput, para map[string]json.RawMessage, now time.Time) (string, error) {
	var room, receiver string
	for name, to := range map[string]*string{"room": &room, "receiver": &receiver} {
		if raw := para[name]; given(raw) && json.Unmarshal(raw, to) != nil {
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

// fill puts the values of an entry in the place of $name$ in the message. A
// message that is no string stays as it is.
func fill(raw json.RawMessage, para map[string]json.RawMessage) json.RawMessage {
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
	if len(filled) > maxRequest { // many small values can grow without end
		filled = strings.ToValidUTF8(filled[:maxRequest], "")
	}
	return text(filled)
}

// settle sends what is due. A message that can no longer be sent is dropped:
// the answer has gone out long ago.
func (a *app) settle(now time.Time) {
	n := slices.IndexFunc(a.pending, func(j job) bool { return j.due.After(now) })
	if n < 0 {
		n = len(a.pending)
	}
	if n == 0 {
		return
	}
	a.did.changed = true
	for i := range a.pending[:n] {
		j := a.pending[i]
		if r := a.rooms[j.room]; r != nil && a.maySend(r, j.msg.sender) == nil {
			a.post(r, &j.msg, j.due)
		}
	}
	a.pending = slices.Clone(a.pending[n:])
}
