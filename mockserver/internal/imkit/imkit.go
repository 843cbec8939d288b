// Package imkit mocks IMKIT's Platform API: users and their tokens, groups,
// rooms, members, messages, badges, blocks, settings, push and statistics, as
// documented at https://docs.imkit.io/en/.
//
// An app holds the state of one application; each operation runs under its lock.
// A handler returns a result or a documented error; answer.go writes either in
// the shape that the operation's page shows. Where pages contradict each other,
// the profile's variants choose. The state is bounded (limits.go).
package imkit

import (
	"container/list"
	"encoding/json"
	"sync"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/surface"
)

// appID is the name of the application in every object. The vendor's samples have
// "SampleApp".
const appID = "LoremFitsum"

// app is the state of one application.
type app struct {
	env surface.Env

	mu         sync.Mutex
	ids        idSource
	used       int // bytes of state except messages, see reserve
	users      map[string]*user
	userOrder  []string
	groups     map[string]*group
	groupOrder []string
	rooms      map[string]*room
	roomOrder  []string
	direct     map[string]string // room of two users, by directID
	messages   map[string]*message
	oldest     *list.List // all *message, in the order of sending
	bytes      int        // size of all messages
	seq        uint64     // sequence number of the last message or block
	pending    []job
	blocks     map[blockKey]*block
	config     map[string]json.RawMessage
	effects    effects // of the operation that runs
}

// effects records what the core must be notified of after an operation.
type effects struct {
	changed, tokens bool
	hooks           []hook
}

func newApp(env surface.Env) *app {
	return &app{
		env: env, ids: newIDs(env.Seed),
		users: make(map[string]*user), groups: make(map[string]*group), rooms: make(map[string]*room),
		direct: make(map[string]string), messages: make(map[string]*message), oldest: list.New(),
		blocks: make(map[blockKey]*block), config: make(map[string]json.RawMessage),
	}
}

// New builds the surface.
func New(env surface.Env) surface.Surface {
	a := newApp(env)
	if !env.Empty {
		if err := a.load(sample()); err != nil {
			panic("mockserver: imkit: sample: " + err.Error()) // a constant; a test loads it
		}
	}
	routes := a.adminRoutes()
	routes = append(routes, a.roomRoutes()...)
	return surface.Surface{Routes: append(routes, a.userRoutes()...), Data: a.data()}
}

// tokens returns the core's token store for an operation that changes it.
func (a *app) tokens() surface.Tokens {
	a.effects.tokens = true
	return a.env.Tokens
}

// adminRoutes returns the routes that require the API key: their pages list only
// IM-API-KEY, and a client key is not allowed (page "Client Key").
func (a *app) adminRoutes() []surface.Route {
	route := func(pattern string, page surface.Page, h handler) surface.Route {
		return surface.Route{Pattern: pattern, Need: surface.Need{Kinds: surface.Key}, Page: page, Handle: a.handle(h)}
	}
	admin, token, monitor := adminPage(), tokenPage(), monitorPage()
	return []surface.Route{
		route("POST /admin/clients", token, a.createUser),
		route("POST /admin/clients/list", admin, a.createUsers),
		route("GET /admin/clients", admin, a.listUsers),
		route("PUT /admin/clients/{id}/token", token, a.updateToken),
		route("DELETE /admin/clients/{id}/token", token, a.revokeToken),
		route("POST /admin/clients/{uid}/mute/{room}", admin, a.muteClient),
		route("DELETE /admin/clients/{uid}/mute/{room}", admin, a.unmuteClient),
		route("POST /admin/groups", admin, a.createGroup),
		route("GET /admin/groups", admin, a.listGroups),
		route("GET /admin/connection-count", monitor, connectionCount()),
		route("GET /admin/stats", monitor, a.stats),
		route("POST /rooms/{$}", admin, a.createRoom),
		route("POST /rooms", admin, a.createRoom), // not documented; Express treats both paths alike
		route("POST /messages", admin, a.send),
		route("POST /messages/batch", admin, a.sendBatch),
		route("POST /config", admin, a.updateConfig),
		route("DELETE /config/{key}", admin, a.deleteConfig),
		route("POST /push/push2clients", admin, a.push),
	}
}

// roomRoutes returns the routes of rooms and their messages. They accept a user's
// credential, and the API key, which "can call all APIs (including Client
// Key-level APIs)" (page "API Key").
func (a *app) roomRoutes() []surface.Route {
	route := a.clientRoute
	return []surface.Route{
		route("GET /rooms", a.listRooms),
		route("GET /rooms/{id}", a.getRoom),
		route("PUT /rooms/{id}", a.updateRoom),
		route("DELETE /rooms/{id}", a.deleteRoom),
		route("PUT /rooms/{id}/lastRead", a.updateLastRead),
		route("POST /rooms/{id}/members", a.addMembers),
		route("POST /rooms/{id}/delete/members", a.removeMembers),
		route("PUT /rooms/{id}/member/{client}", a.updateMember),
		route("GET /rooms/{id}/messages/v3", a.listMessages),
		route("POST /rooms/{id}/message", a.recall),
		route("DELETE /rooms/{id}/messages/{message}", a.deleteMessages),
		route("POST /messages/{id}/pin", a.pin),
		route("DELETE /messages/{id}/pin", a.unpin),
		route("GET /blockStatus/room/{room}", a.listBanned),
		route("POST /blockStatus/room/{room}/{user}", a.ban),
		route("DELETE /blockStatus/room/{room}/{user}", a.unban),
	}
}

// userRoutes returns the routes about the calling user.
func (a *app) userRoutes() []surface.Route {
	route := a.clientRoute
	config := route("GET /config", a.getConfig)
	config.Page = configPage()
	return []surface.Route{
		config,
		route("GET /me", a.me),
		route("GET /me/badge", a.badge),
		route("POST /me/mute/{room}", a.muteMe),
		route("DELETE /me/mute/{room}", a.unmuteMe),
		route("POST /badges/byRoomTags", a.badgesByTags),
		route("POST /search", a.search),
		route("GET /blockStatus/my", a.listBlocked),
		route("POST /blockStatus/my/{user}", a.blockUser),
		route("DELETE /blockStatus/my/{user}", a.unblockUser),
	}
}

func (a *app) clientRoute(pattern string, h handler) surface.Route {
	return surface.Route{Pattern: pattern, Page: clientPage(), Handle: a.handle(h)}
}

// iso formats a time like the vendor: ISO 8601 in UTC with milliseconds.
func iso(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
