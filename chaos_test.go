package keyfit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/keyfit/keyfit/mockserver"
)

const chaosServed = 60 // calls at least with each key

// chaosTurns is how many turns one play has.
func chaosTurns() int {
	if longRun() {
		return 50
	}
	return 12
}

// A service in a process of its own, under load, whose .env is rotated turn by turn without
// overlap at the provider: in one half of the turns the old key is revoked as soon as the
// new one is in the file, in the other half before. All the while the file is deleted,
// truncated, half-written, made unreadable, spoiled, put back to an old state, and restored.
func TestChaosFailsNoCall(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it rotates for some seconds")
	}
	seed := rand.Uint64()
	if given, err := strconv.ParseUint(os.Getenv("KEYFIT_CHAOS_SEED"), 10, 64); err == nil {
		seed = given
	}
	for name, extra := range map[string]string{"offers verified": "", "offers tried by calls": chaosBlind + "=1"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Logf("KEYFIT_CHAOS_SEED=%d begins the same turns again", seed)
			c := &chaos{t: t, rng: rand.New(rand.NewPCG(seed, 0)), path: filepath.Join(t.TempDir(), ".env"), done: map[string]int{}}
			c.srv = mockserver.New(t, mockserver.WithoutRateLimits(), mockserver.WithJournal(0, 0))
			c.key = c.srv.Keys().Issue(mockserver.MindKey)
			c.restore()
			service := startChaosService(t, chaosDotEnv+"="+c.path, chaosURL+"="+c.srv.BaseURL(mockserver.MindKey), extra)
			c.wait(c.key.ID)
			begin := time.Now()
			for range chaosTurns() {
				c.turn()
			}
			took := time.Since(begin)
			report := service.stop()
			t.Logf("%d turns in %s with %v", chaosTurns(), took.Round(time.Millisecond), c.done)
			c.check(report)
		})
	}
}

// check compares what the service counts with what the mock does.
func (c *chaos) check(report chaosReport) {
	t, counts := c.t, c.srv.Counts(mockserver.Match{Provider: mockserver.MindKey})
	t.Helper()
	t.Logf("%d calls, %d failed, the slowest took %s; generation %d, events %v; the mock counts %v",
		report.Calls, report.Failed, report.Slowest.Round(time.Millisecond), report.Generation, report.Events, counts.ByOutcome)
	if report.Failed != 0 {
		t.Errorf("%d of %d calls failed, the first with %q", report.Failed, report.Calls, report.Errors)
	}
	if ok := counts.ByOutcome[mockserver.OK]; report.Calls < chaosTurns()*chaosServed || ok < report.Calls {
		t.Errorf("the service counts %d calls, and the mock accepted %d", report.Calls, ok)
	}
	if refused := counts.ByOutcome[mockserver.Revoked]; refused == 0 {
		t.Error("no call met a revoked key: the test shows nothing")
	}
	if report.Generation <= uint64(chaosTurns()) {
		t.Errorf("want each of the %d keys current once, got generation %d", chaosTurns()+1, report.Generation)
	}
	if report.Left != "" {
		t.Errorf("goroutines did not end with the service:\n%s", report.Left)
	}
}

// chaos is the operator of the service, and what goes wrong with the file.
type chaos struct {
	t    *testing.T
	rng  *rand.Rand
	srv  *mockserver.Server
	path string
	key  mockserver.Issued // what should be in the file
	old  string            // what was there before; "" if nothing
	done map[string]int
}

// turn replaces the key, with mischief at any point of it.
func (c *chaos) turn() {
	replaced := c.key
	c.mischief()
	if c.rng.IntN(2) == 0 {
		c.issue()
		c.restore()
		c.revoke(replaced.ID)
	} else {
		c.revoke(replaced.ID)
		c.pause(10 * time.Millisecond)
		c.mischief()
		c.issue()
		c.restore()
	}
	c.mischief()
	c.wait(c.key.ID)
}

func (c *chaos) issue() {
	c.old = c.content()
	c.key = c.srv.Keys().Issue(mockserver.MindKey)
}

func (c *chaos) revoke(id string) {
	c.t.Helper()
	if err := c.srv.Keys().Revoke(id, "replaced"); err != nil {
		c.t.Fatal(err)
	}
}

func (c *chaos) content() string {
	return "# of the service\nMINDKEY_API_KEY=" + c.key.Secret.Reveal() + "\nOTHER=1\n"
}

// mischief spoils the file for a while, and restores it; in every third case it does not.
func (c *chaos) mischief() {
	c.t.Helper()
	styles := []struct {
		name  string
		spoil func() error
	}{
		{"deleted", func() error { return os.Remove(c.path) }},
		{"truncated", func() error { return os.Truncate(c.path, 0) }},
		{"half-written", func() error { return os.WriteFile(c.path, []byte(c.content()[:len(c.content())/2]), 0o600) }},
		{"spoiled", func() error { return os.WriteFile(c.path, []byte("\x00\xff= no \n.env"), 0o600) }},
		{"a dangling link", func() error { _ = os.Remove(c.path); return os.Symlink("nowhere", c.path) }},
		{"an old state", func() error { return os.WriteFile(c.path, []byte(c.old), 0o600) }},
		{"unreadable", func() error {
			if os.Geteuid() > 0 {
				return os.Chmod(c.path, 0)
			}
			_ = os.Remove(c.path) // the superuser, and Windows, read what has no permissions
			return os.Mkdir(c.path, 0o700)
		}},
	}
	n := c.rng.IntN(len(styles) * 3 / 2)
	if n >= len(styles) {
		return
	}
	if err := styles[n].spoil(); err != nil {
		c.t.Fatalf("%s: %v", styles[n].name, err)
	}
	c.done[styles[n].name]++
	c.pause(50 * time.Millisecond)
	c.restore()
}

// restore writes the file anew, in one of the ways that files are written in.
func (c *chaos) restore() {
	c.t.Helper()
	content := c.content()
	half := c.rng.IntN(len(content))
	if info, err := os.Lstat(c.path); err == nil && (!info.Mode().IsRegular() || info.Mode().Perm() == 0) {
		if err := os.Remove(c.path); err != nil {
			c.t.Fatal(err)
		}
	}
	var err error
	switch c.rng.IntN(3) {
	case 0:
		err = os.WriteFile(c.path, []byte(content), 0o600)
	case 1:
		if err = os.WriteFile(c.path+".tmp", []byte(content), 0o600); err == nil {
			err = os.Rename(c.path+".tmp", c.path)
		}
	default: // for longer than two equal reads take, at times
		if err = os.WriteFile(c.path, []byte(content[:half]), 0o600); err == nil {
			c.pause(30 * time.Millisecond)
			err = os.WriteFile(c.path, []byte(content), 0o600)
		}
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// pause lasts up to d.
func (c *chaos) pause(d time.Duration) { <-time.After(time.Duration(c.rng.Int64N(int64(d)))) }

// wait returns when the service lives on the key.
func (c *chaos) wait(id string) {
	c.t.Helper()
	for range 5000 {
		if c.srv.Counts(mockserver.Match{KeyID: id, Outcome: mockserver.OK}).Total >= chaosServed {
			return
		}
		<-time.After(2 * time.Millisecond)
	}
	c.t.Fatalf("the service never came to use key %s; the mock counts %v", id, c.srv.Counts(mockserver.Match{}).ByOutcome)
}

// chaosService is the process of [TestChaosService].
type chaosService struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   bytes.Buffer
}

func startChaosService(t *testing.T, env ...string) *chaosService {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &chaosService{t: t, cmd: exec.CommandContext(t.Context(), binary, "-test.run=^TestChaosService$", "-test.timeout=2m")}
	s.cmd.Env = append(env, "PATH="+os.Getenv("PATH"), "TMPDIR="+t.TempDir()) // and no key of the person who tests
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	if s.stdin, err = s.cmd.StdinPipe(); err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		if t.Failed() {
			t.Logf("the service said:\n%s", s.out.Bytes())
		}
	})
	return s
}

// stop has the service end, and returns its report.
func (s *chaosService) stop() (report chaosReport) {
	s.t.Helper()
	_ = s.stdin.Close()
	if err := s.cmd.Wait(); err != nil {
		s.t.Fatalf("the service failed: %v", err)
	}
	for line := range bytes.Lines(s.out.Bytes()) {
		if text, ok := bytes.CutPrefix(line, []byte(chaosMark)); ok {
			if err := json.Unmarshal(text, &report); err != nil {
				s.t.Fatal(fmt.Errorf("the report of the service: %w", err))
			}
			return report
		}
	}
	s.t.Fatal("the service did not report")
	return report
}
