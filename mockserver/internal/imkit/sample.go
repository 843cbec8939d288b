package imkit

import (
	"encoding/json"
	"slices"
	"time"
)

// sample is the application that a mock starts with: four users of Lorem Fitsum, a
// group, a room of all and one of two, with a few messages. It is the same for
// every seed, so that an example can name it.
func sample() *contents {
	at := func(minutes int) time.Time {
		return time.Date(2027, 1, 1, 9, minutes, 0, 0, time.UTC)
	}
	d := &contents{}
	for i, u := range [][2]string{{"lorem", "Lorem Fitsum"}, {"ipsum", "Ipsum Fitsum"}, {"dolor", "Dolor Fitsum"}, {"amet", "Amet Fitsum"}} {
		d.users = append(d.users, userData{
			ID: u[0], Nickname: u[1], Email: u[0] + "@example.com", Description: "A member of Lorem Fitsum",
			AvatarURL: "https://example.com/" + u[0] + ".png", CreatedAt: at(i),
		})
	}
	d.groups = []groupData{{ID: "lorem-staff", Nickname: "Lorem Fitsum staff", Members: []string{"lorem", "ipsum"}, CreatedAt: at(5)}}
	d.rooms = []roomData{
		{
			ID: "lorem-room", Name: "Lorem Fitsum", Description: "News of the gym", Owner: "lorem", Tags: []string{"news"},
			Members: []string{"lorem", "ipsum", "dolor", "amet"}, CreatedAt: at(6), Unread: map[string]int{"amet": 1},
		},
		{ID: "lorem-ipsum", Type: "direct", Members: []string{"lorem", "ipsum"}, CreatedAt: at(7)},
	}
	for i, m := range [][3]string{
		{"lorem-room", "lorem", "Welcome to Lorem Fitsum"},
		{"lorem-room", "dolor", "Which day is the dolor class?"},
		{"lorem-room", "lorem", "On Tuesdays, sit amet"},
		{"lorem-ipsum", "ipsum", "The towels have come"},
		{"lorem-ipsum", "lorem", "Thank you"},
	} {
		text, err := json.Marshal(m[2])
		if err != nil {
			continue // a string always encodes
		}
		d.messages = append(d.messages, messageData{
			ID: "6777000000000000000000" + string(rune('0'+i/10)) + string(rune('0'+i%10)), Room: m[0], Sender: m[1], Type: "text",
			Message: text, CreatedAt: at(10 + i),
		})
	}
	return d
}

// dropSample removes the records of the sample that refer to what is no longer
// there, so that collections can be replaced one after the other, in the order of
// their list.
func (d *contents) dropSample() {
	known := make(map[string]bool)
	for _, u := range d.users {
		known[u.ID] = true
	}
	lost := func(ids ...string) bool {
		return slices.ContainsFunc(ids, func(id string) bool { return id != "" && !known[id] })
	}
	old := sample()
	d.groups = slices.DeleteFunc(d.groups, func(g groupData) bool { return g.ID == old.groups[0].ID && lost(g.Members...) })
	for _, g := range d.groups {
		known[g.ID] = true
	}
	d.rooms = slices.DeleteFunc(d.rooms, func(r roomData) bool {
		mine := slices.ContainsFunc(old.rooms, func(o roomData) bool { return o.ID == r.ID })
		return mine && lost(slices.Concat(r.Members, r.Managers, r.Invited, []string{r.Owner})...)
	})
	rooms := make(map[string]bool)
	for _, r := range d.rooms {
		rooms[r.ID] = true
	}
	d.messages = slices.DeleteFunc(d.messages, func(m messageData) bool {
		mine := slices.ContainsFunc(old.messages, func(o messageData) bool { return o.ID == m.ID })
		return mine && (!rooms[m.Room] || lost(m.Sender, m.Member))
	})
}
