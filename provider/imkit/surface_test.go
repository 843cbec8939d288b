package imkit_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/mockserver"
	"github.com/keyfit/keyfit/provider/imkit"
)

// seen is a request as sent.
type seen struct {
	method, path string
	query        url.Values
	header       http.Header
	body         string
}

// operation returns the request as a path template, with {} in place of value.
func (s *seen) operation(value string) string {
	segments := strings.Split(s.path, "/")
	for i, segment := range segments {
		if back, err := url.PathUnescape(segment); err == nil && back == value {
			segments[i] = "{}"
		}
	}
	return s.method + " " + strings.Join(segments, "/")
}

// recorder answers every request and records it.
type recorder struct{ requests []seen }

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	s := seen{method: req.Method, path: req.URL.EscapedPath(), query: req.URL.Query(), header: req.Header}
	if req.Body != nil {
		b, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		s.body = string(b)
	}
	r.requests = append(r.requests, s)
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Request: req,
		Body: io.NopCloser(strings.NewReader(`{"RC":0,"RM":"OK","result":{}}`)),
	}, nil
}

func (r *recorder) client(t *testing.T, p keyfit.Provider, cred keyfit.Credential) *keyfit.Client {
	t.Helper()
	c, err := keyfit.New(p, keyfit.WithBaseURL("https://your-app.imkit.io"), keyfit.WithSource(keyfit.Static(cred)),
		keyfit.WithLimit(keyfit.Limit{Requests: 1_000_000, Per: time.Second}), keyfit.WithHTTPClient(&http.Client{Transport: r}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (r *recorder) admin(t *testing.T) *imkit.Client {
	t.Helper()
	return imkit.FromClient(r.client(t, keyfit.IMKIT("your-app"), keyfit.APIKey("lorem-api-key")))
}

func (r *recorder) user(t *testing.T) *imkit.UserClient {
	t.Helper()
	return imkit.UserFromClient(r.client(t, keyfit.IMKITUser("your-app"), keyfit.KeyPair("lorem-client-key", "lorem-user-token")), "alice")
}

// argument returns an argument for a parameter, with value for every string.
func argument(typ reflect.Type, value string) reflect.Value {
	v := reflect.New(typ).Elem()
	switch v.Addr().Interface().(type) {
	case *imkit.RoomType:
		return reflect.ValueOf(imkit.DirectRoom)
	case *imkit.Role:
		return reflect.ValueOf(imkit.RoleManager)
	case *imkit.TimeField:
		return reflect.ValueOf(imkit.ByCreatedAt)
	case *time.Time:
		return reflect.ValueOf(at())
	case *keyfit.Secret:
		return reflect.ValueOf(keyfit.NewSecret(value))
	}
	switch typ.Kind() {
	case reflect.String:
		v.SetString(value)
	case reflect.Int:
		v.SetInt(1)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Interface:
		v.Set(reflect.ValueOf(value))
	case reflect.Pointer:
		v.Set(argument(typ.Elem(), value).Addr())
	case reflect.Slice:
		v.Set(reflect.Append(v, argument(typ.Elem(), value)))
	case reflect.Map:
		v.Set(reflect.MakeMap(typ))
		v.SetMapIndex(reflect.ValueOf("name").Convert(typ.Key()), argument(typ.Elem(), value))
	case reflect.Struct:
		for i := range typ.NumField() {
			v.Field(i).Set(argument(typ.Field(i).Type, value))
		}
	default:
	}
	return v
}

// callAll calls every method of every service of a client, with value for every string.
func callAll(t *testing.T, client any, value string) {
	t.Helper()
	services := reflect.ValueOf(client).Elem()
	for i := range services.NumField() {
		if !services.Type().Field(i).IsExported() {
			continue
		}
		service := services.Field(i)
		for m := range service.NumMethod() {
			name := services.Type().Field(i).Name + "." + service.Type().Method(m).Name
			method := service.Method(m)
			in := []reflect.Value{reflect.ValueOf(t.Context())}
			for p := 1; p < method.Type().NumIn()-1; p++ { // the last are the options
				in = append(in, argument(method.Type().In(p), value))
			}
			out := method.Call(in)
			last := out[len(out)-1]
			if last.Kind() == reflect.Func { // an iterator
				yield := reflect.MakeFunc(last.Type().In(0), func(args []reflect.Value) []reflect.Value {
					last = args[1]
					return []reflect.Value{reflect.ValueOf(true)}
				})
				if last.Call([]reflect.Value{yield}); last.Kind() == reflect.Func {
					continue // an empty list
				}
			}
			if err, failed := reflect.TypeAssert[error](last); failed {
				t.Errorf("%s(%q): %v", name, value, err)
			}
		}
	}
}

func (r *recorder) operations(value string) []string {
	var all []string
	for i := range r.requests {
		all = append(all, r.requests[i].operation(value))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// document is the part of the mock's OpenAPI document that the tests need.
type document struct {
	Paths map[string]map[string]struct {
		Documented *bool                 `json:"x-documented"`
		Security   []map[string][]string `json:"security"`
	} `json:"paths"`
}

// documented returns the documented operations, and whether only the API key may call them.
func documented(t *testing.T) (all, keyOnly []string) {
	t.Helper()
	var doc document
	if err := json.Unmarshal(mockserver.OpenAPI(mockserver.IMKIT), &doc); err != nil {
		t.Fatal(err)
	}
	for path, operations := range doc.Paths {
		var template []string
		for segment := range strings.SplitSeq(path, "/") {
			if strings.HasPrefix(segment, "{") {
				segment = "{}"
			}
			template = append(template, segment)
		}
		for method, o := range operations {
			if o.Documented != nil && !*o.Documented {
				continue // not documented: POST /rooms without the slash
			}
			name := strings.ToUpper(method) + " " + strings.Join(template, "/")
			all = append(all, name)
			if len(o.Security) == 1 {
				keyOnly = append(keyOnly, name)
			}
		}
	}
	slices.Sort(all)
	slices.Sort(keyOnly)
	return all, keyOnly
}

func TestTheClientsHaveTheOperationsOfTheDocumentAndNoOther(t *testing.T) {
	t.Parallel()
	const value = "some-value"
	admin, user := &recorder{}, &recorder{}
	callAll(t, admin.admin(t), value)
	callAll(t, user.user(t), value)
	documentedAll, keyOnly := documented(t)

	// DELETE of the messages of a room is one operation, with _all as the message.
	fold := func(list []string) []string {
		for i, o := range list {
			list[i] = strings.Replace(o, "/messages/_all", "/messages/{}", 1)
		}
		slices.Sort(list)
		return slices.Compact(list)
	}
	admins, users := fold(admin.operations(value)), fold(user.operations(value))
	both := slices.Concat(admins, users)
	slices.Sort(both)
	if diff := cmp.Diff(documentedAll, slices.Compact(both)); diff != "" {
		t.Errorf("operations (-document +clients):\n%s", diff)
	}
	for _, o := range keyOnly {
		if slices.Contains(users, o) {
			t.Errorf("a user can call %s, which takes the API key", o)
		}
		if !slices.Contains(admins, o) {
			t.Errorf("the administrator cannot call %s", o)
		}
	}
}

// has reports whether a client has the method at a path such as "Users.Create".
func has(client reflect.Type, path string) bool {
	name, method, _ := strings.Cut(path, ".")
	if _, ok := reflect.PointerTo(client).MethodByName(name); ok {
		return true
	}
	field, ok := client.FieldByName(name)
	if ok && method != "" {
		_, ok = field.Type.MethodByName(method)
	}
	return ok
}

func TestAUserCannotBeAskedForWhatTheAdministratorMay(t *testing.T) {
	t.Parallel()
	admin, user := reflect.TypeFor[imkit.Client](), reflect.TypeFor[imkit.UserClient]()
	for _, tc := range []struct {
		path        string
		admin, user bool
	}{
		{"Users.Create", true, false},
		{"Tokens.Issue", true, false},
		{"Groups.Create", true, false},
		{"Rooms.Create", true, false},
		{"Rooms.Get", true, true},
		{"Rooms.List", false, true},
		{"Rooms.MarkRead", false, true},
		{"Messages.List", true, true},
		{"Messages.Send", true, false},
		{"Messages.SendBatch", true, false},
		{"Config.Get", true, true},
		{"Config.Update", true, false},
		{"Config.Delete", true, false},
		{"Push.ToClients", true, false},
		{"Stats.Get", true, false},
		{"Me.Get", false, true},
		{"Blocks.Block", false, true},
		{"Bans.Ban", true, true},
		{"As", true, false},
	} {
		if has(admin, tc.path) != tc.admin || has(user, tc.path) != tc.user {
			t.Errorf("%s: administrator %v, user %v; want %v, %v", tc.path, has(admin, tc.path), has(user, tc.path), tc.admin, tc.user)
		}
	}
}

func TestTheAdministratorForAUserNamesTheUser(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	callAll(t, r.admin(t).As("é世界 user"), "plain")
	for _, s := range r.requests {
		if got := s.header.Get("IM-CLIENT-ID"); got != "é世界 user" || s.header.Get("IM-API-KEY") != "lorem-api-key" || s.header.Get("IM-CLIENT-KEY") != "" {
			t.Errorf("%s %s carries IM-CLIENT-ID %q", s.method, s.path, got)
		}
	}
	pair := &recorder{}
	callAll(t, pair.user(t), "plain")
	for _, s := range pair.requests {
		want := ""
		if s.path == "/rooms" {
			want = "alice"
		}
		if got := s.header.Get("IM-CLIENT-ID"); got != want || s.header.Get("IM-API-KEY") != "" || s.header.Get("IM-Authorization") != "lorem-user-token" {
			t.Errorf("%s %s carries IM-CLIENT-ID %q, want %q", s.method, s.path, got, want)
		}
	}
}
