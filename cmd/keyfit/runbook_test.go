package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/mockserver"
)

const runbook = "../../docs/runbook.md"

// Every command of docs/runbook.md runs here, in its order, against a mock and two replicas behind
// one name, and prints what the page shows. A line … of the page stands for lines that differ from
// run to run. KEYFIT_UPDATE_DOCS=1 writes what was printed into the page.
func TestTheRunbookWorks(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("no second loopback address")
	}
	data, err := os.ReadFile(runbook)
	if err != nil {
		t.Fatal(err)
	}
	page, worlds := string(data), runbookWorlds()
	sections := regexp.MustCompile(`(?m)^## (.+)$`).FindAllStringSubmatchIndex(page, -1)
	var update sync.Mutex
	t.Cleanup(func() {
		if os.Getenv("KEYFIT_UPDATE_DOCS") != "" {
			_ = os.WriteFile(runbook, []byte(page), 0o600)
		}
	})
	for i, at := range sections {
		title, end := string(data[at[2]:at[3]]), len(data)
		if i+1 < len(sections) {
			end = sections[i+1][0]
		}
		prepare := worlds[title]
		if delete(worlds, title); prepare == nil {
			if strings.Contains(string(data[at[0]:end]), "```console") {
				t.Errorf("%s: the section has commands, and nothing runs them", title)
			}
			continue
		}
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			w := newRunbookWorld(t)
			prepare(t, w)
			for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(string(data[at[0]:end]), -1) {
				got := w.play(t, block[1])
				if want := squeeze(block[1]); !sameLines(want, squeeze(got)) {
					t.Errorf("(-page +printed):\n%s", cmp.Diff(want, squeeze(got)))
					update.Lock()
					page = strings.Replace(page, block[0], "```console\n"+got+"```", 1)
					update.Unlock()
				}
			}
		})
	}
	for title := range worlds {
		t.Errorf("the page has no section %q", title)
	}
}

// squeeze is a text without the width of its columns.
func squeeze(text string) []string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		lines[i] = strings.Join(strings.Fields(line), " ")
	}
	return lines
}

// sameLines compares lines, of which … stands for any number.
func sameLines(page, printed []string) bool {
	for i, line := range page {
		if line == "…" {
			for skip := range len(printed) - i + 1 {
				if sameLines(page[i+1:], printed[i+skip:]) {
					return true
				}
			}
			return false
		}
		if i >= len(printed) || line != printed[i] {
			return false
		}
	}
	return len(page) == len(printed)
}

// runbookWorld is the night of one section.
type runbookWorld struct {
	*rotateWorld
	port    string
	clients [2]atomic.Pointer[keyfit.Client] // of the replicas
	pages   [2]*http.ServeMux
	said    *strings.Builder
	code    int
	before  map[string]func() // what happens before a command, by its text
	seen    map[string]func() // what happens once a text has been printed
	edits   []string          // what the page says in place of what is here, in pairs
}

// The names of the page.
const (
	pageOld, pageNew = "4f9c2d1ab07e", "b81e0c57d2f4"
	pageHost         = "https://acme.imkit.io"
)

func newRunbookWorld(t *testing.T) *runbookWorld {
	t.Helper()
	w := &runbookWorld{rotateWorld: newRotateWorld(t, mockserver.IMKIT), before: map[string]func(){}, seen: map[string]func(){}}
	writeFile(t, filepath.Join(w.dir, "new.key"), w.next+"\n")
	for i, address := range []string{"127.0.0.1", "127.0.0.2"} {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort(address, "0"+w.port))
		if err != nil {
			t.Skip(err)
		}
		_, w.port, _ = net.SplitHostPort(l.Addr().String())
		w.pages[i] = http.NewServeMux()
		srv := httptest.NewUnstartedServer(w.pages[i])
		srv.Listener.Close()
		srv.Listener = l
		srv.Start()
		t.Cleanup(srv.Close)
		w.pages[i].HandleFunc("GET /keys", func(rw http.ResponseWriter, _ *http.Request) {
			_ = json.NewEncoder(rw).Encode(w.clients[i].Load().Keys().Status())
		})
	}
	w.edits = []string{
		" --dotenv " + w.dotenv + " goes back", " goes back", // the page is in the directory of the .env
		w.dir, "/srv/shop", fingerprint(w.old), pageOld, fingerprint(w.next), pageNew, w.BaseURL(mockserver.IMKIT) + " (not imkit's own)", pageHost,
		w.BaseURL(mockserver.IMKIT), pageHost, "127.0.0.1:" + w.port, "10.0.0.7:8080", "127.0.0.2:" + w.port, "10.0.0.8:8080",
	}
	return w
}

// start starts a replica, which calls all the time. It follows .env, or has the key that is given.
func (w *runbookWorld) start(t *testing.T, i int, key string) {
	t.Helper()
	source := keyfit.DotEnv(w.dotenv, "IMKIT_API_KEY")
	if key != "" {
		source = keyfit.Static(keyfit.APIKey(key))
	}
	c, err := keyfit.New(keyfit.IMKIT(""), keyfit.WithSource(source), keyfit.WithBaseURL(w.BaseURL(mockserver.IMKIT)), keyfit.WithoutDotEnv(),
		keyfit.DrainTime(30*time.Millisecond), keyfit.WithRetry(keyfit.RetryPolicy{MaxAttempts: 1}))
	if err != nil {
		t.Fatal(err)
	}
	w.clients[i].Store(c)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = c.Keys().Watch(ctx, 20*time.Millisecond) })
	running.Go(func() {
		turn := time.NewTicker(10 * time.Millisecond)
		defer turn.Stop()
		for ctx.Err() == nil {
			_, _ = keyfit.Get[struct{}](ctx, c, "/admin/connection-count")
			<-turn.C
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
}

// revoke revokes a key at the mock.
func (w *runbookWorld) revoke(t *testing.T, key string) {
	t.Helper()
	_ = w.Keys().Revoke(keyID(t, w.rotateWorld, key), "")
}

// play runs the commands of a block, and returns it with what they printed.
func (w *runbookWorld) play(t *testing.T, block string) string {
	t.Helper()
	w.said = &strings.Builder{}
	for line := range strings.Lines(block) {
		command, ok := strings.CutPrefix(strings.TrimSpace(line), "$ ")
		if !ok {
			continue
		}
		fmt.Fprintf(w.said, "$ %s\n", command)
		if happens := w.before[command]; happens != nil {
			happens()
		}
		words := strings.Fields(command)
		switch {
		case command == "echo $?":
			fmt.Fprintln(w.said, w.code)
		case words[0] == "curl":
			w.curl(t, words[len(words)-1])
		case words[0] == "keyfit":
			w.keyfit(t, words[1:])
		default:
			t.Errorf("what is %s?", command)
		}
	}
	w.quiet(t, w.said.String())
	return w.said.String()
}

// keyfit runs the program with the names of the page replaced by those of this machine.
func (w *runbookWorld) keyfit(t *testing.T, args []string) {
	t.Helper()
	fast := map[string][]string{"rotate": {"--watch-every", "10ms", "--dotenv", w.dotenv}, "watch": {"--every", "10ms"}, "check": {"--dotenv", w.dotenv}, "call": {"--dotenv", w.dotenv}}
	here := strings.NewReplacer("new.key", filepath.Join(w.dir, "new.key"), "/srv/shop/before.env", filepath.Join(w.dir, "before.env"), "/run/secrets/imkit", filepath.Join(w.dir, "mounted"),
		"shop.prod.svc:8080", "shop.prod.svc:"+w.port, "10.0.0.7:8080", "127.0.0.1:"+w.port, pageOld, fingerprint(w.old), pageNew, fingerprint(w.next))
	typed := append(args, fast[args[0]]...)
	for i, arg := range typed {
		if typed[i] = here.Replace(arg); arg == "10m" {
			typed[i] = "1500ms"
		}
	}
	var out listener
	out.on = w.seen
	w.code = run(t.Context(), typed, cli.Terminal{
		In: strings.NewReader(""), Out: &out, Err: &out, Env: func(string) (string, bool) { return "", false },
		Lookup: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")}, nil
		},
	})
	w.said.WriteString(aligned(w.asOnThePage(out.text.String())))
}

// aligned is a text whose tables have columns as wide as the page's names need.
func aligned(text string) string {
	var all, table strings.Builder
	columns := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	flush := func() {
		_ = columns.Flush()
		all.WriteString(table.String())
		table.Reset()
	}
	for line := range strings.Lines(text) {
		if cells := regexp.MustCompile(`\s{2,}`).Split(strings.TrimSpace(line), -1); len(cells) > 4 {
			_, _ = fmt.Fprintln(columns, strings.Join(cells, "\t"))
			continue
		}
		flush()
		all.WriteString(line)
	}
	flush()
	return all.String()
}

// asOnThePage is a text with the page's names, times and durations.
func (w *runbookWorld) asOnThePage(text string) string {
	text = strings.NewReplacer(w.edits...).Replace(text)
	for from, to := range map[string]string{
		`\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ`: "2027-01-31 03:12:45Z", `(?m)^\d\d:\d\d:\d\dZ`: "03:12:45Z", `\b\d+ ms\b`: "38 ms", `\b1\.5s\b`: "10m",
		`\d+(\s+(released|ok|uses))`: "0$1", `"paused_ns": \d+`: `"paused_ns": 39800000000`, `"next_trial_ns": \d+`: `"next_trial_ns": 39800000000`, `"requests": \d\d?,\n  "retries"`: "\"requests\": 12,\n  \"retries\"",
	} {
		text = regexp.MustCompile(from).ReplaceAllString(text, to)
	}
	return strings.ReplaceAll(text, ":"+w.port, ":8080")
}

// curl gets a page of a replica.
func (w *runbookWorld) curl(t *testing.T, address string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.Replace(address, "10.0.0.7:8080", "127.0.0.1:"+w.port, 1), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, _ := io.ReadAll(res.Body)
	var indented bytes.Buffer
	if err := json.Indent(&indented, data, "", "  "); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	w.said.WriteString(w.asOnThePage(indented.String()))
}

// listener calls a function once its text has been written.
type listener struct {
	text strings.Builder
	on   map[string]func()
}

func (l *listener) Write(p []byte) (int, error) {
	n, _ := l.text.Write(p)
	for text, happens := range l.on {
		if strings.Contains(l.text.String(), text) {
			delete(l.on, text)
			happens()
		}
	}
	return n, nil
}

// runbookWorlds are the nights, by the titles of the page.
func runbookWorlds() map[string]func(*testing.T, *runbookWorld) {
	both := func(t *testing.T, w *runbookWorld) {
		t.Helper()
		w.start(t, 0, "")
		w.start(t, 1, "")
	}
	return map[string]func(*testing.T, *runbookWorld){
		"The key leaked, now": func(t *testing.T, w *runbookWorld) {
			t.Helper()
			both(t, w)
			w.seen["still works: revoke it now"] = func() { w.revoke(t, w.old) }
		},
		"All calls are 401, now": func(t *testing.T, w *runbookWorld) {
			t.Helper()
			w.revoke(t, w.old)
			w.start(t, 0, "")
			w.start(t, 1, "")
		},
		"Which key is where": func(t *testing.T, w *runbookWorld) {
			t.Helper()
			both(t, w)
			writeFile(t, filepath.Join(w.dir, "mounted"), w.next+"\n")
			writeFile(t, w.dotenv+".bak", "IMKIT_API_KEY="+w.old+"\n")
			w.settled(t)
		},
		"Who still uses the old key": func(t *testing.T, w *runbookWorld) {
			t.Helper()
			w.put(t, strings.ReplaceAll(w.content(t), w.old, w.next))
			w.start(t, 0, "")
			w.start(t, 1, w.old)
			w.settled(t)
			w.before["keyfit watch http://shop.prod.svc:8080/keys --old "+pageOld] = func() {
				w.start(t, 1, "")
				w.settled(t)
			}
		},
		"How do I go back": func(t *testing.T, w *runbookWorld) {
			t.Helper()
			w.start(t, 0, w.old)
			w.start(t, 1, w.old)
		},
		"Calls wait, why": func(t *testing.T, w *runbookWorld) {
			t.Helper()
			both(t, w)
			w.settled(t)
			w.pages[0].HandleFunc("GET /stats", func(rw http.ResponseWriter, _ *http.Request) {
				_ = json.NewEncoder(rw).Encode(w.clients[0].Load().Stats())
			})
			w.before["keyfit check imkit"] = func() {
				w.Clock().Freeze(time.Now())
				w.Inject(mockserver.Match{Provider: mockserver.IMKIT}, mockserver.Throttle(40*time.Second))
			}
			w.before["curl -s http://10.0.0.7:8080/stats"] = func() { // until the replica has met the limit
				for w.clients[0].Load().Stats().Gate.WaitsFor != keyfit.WaitPause {
					time.Sleep(time.Millisecond)
				}
			}
		},
		"One tenant starves the others": func(t *testing.T, w *runbookWorld) {
			t.Helper()
			both(t, w)
			tenants := w.tenants(t)
			w.pages[0].HandleFunc("GET /tenants", func(rw http.ResponseWriter, _ *http.Request) {
				type tenant struct {
					Key      string `json:"key"`
					Requests uint64 `json:"requests"`
					InFlight int    `json:"in_flight"`
					Waiting  int    `json:"waiting"`
					WaitsFor string `json:"waits_for"`
				}
				var all []tenant
				for fp, s := range tenants.StatsByKey() {
					all = append(all, tenant{fp, s.Requests, s.Gate.InFlight, s.Gate.Waiting, string(s.Gate.WaitsFor)})
				}
				slices.SortFunc(all, func(a, b tenant) int { return b.Waiting - a.Waiting })
				_ = json.NewEncoder(rw).Encode(all)
			})
		},
	}
}

// tenants is a client of two: one sent 25 calls on a limit of 20, the other a single call.
func (w *runbookWorld) tenants(t *testing.T) *keyfit.Client {
	t.Helper()
	provider := keyfit.IMKIT("")
	provider.Limit = keyfit.Limit{Requests: 20, Per: time.Minute}
	large, err := keyfit.New(provider, keyfit.WithKey(w.old), keyfit.WithBaseURL(w.BaseURL(mockserver.IMKIT)), keyfit.WithoutDotEnv())
	if err != nil {
		t.Fatal(err)
	}
	small, err := large.With(keyfit.WithKey(w.next))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keyfit.Get[struct{}](t.Context(), small, "/admin/connection-count"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var calls sync.WaitGroup
	for range 25 {
		calls.Go(func() { _, _ = keyfit.Get[struct{}](ctx, large, "/admin/connection-count") })
	}
	t.Cleanup(func() {
		cancel()
		calls.Wait()
	})
	for large.Stats().Gate.Waiting != 5 || large.Stats().Gate.InFlight != 0 {
		time.Sleep(time.Millisecond)
	}
	return large
}

// settled waits until each replica has been answered.
func (w *runbookWorld) settled(t *testing.T) {
	t.Helper()
	for i := range w.clients {
		for w.clients[i].Load().Keys().Status().Current.LastAccepted.IsZero() {
			time.Sleep(time.Millisecond)
		}
	}
}
