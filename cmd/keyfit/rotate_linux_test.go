//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/mockserver"
)

// Ctrl-C while the vendor is asked leaves the old file; while the services are watched, the
// new one. The program says which.
func TestCtrlCLeavesAWholeFileAndSaysWhich(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		flag, want string
		changed    bool
	}{
		"while trying":   {"--base-url", "keyfit: interrupted; nothing was changed\n", false},
		"while watching": {"--watch", "keyfit: interrupted; the new key is in ", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRotateWorld(t, mockserver.IMKIT)
			want := w.content(t)
			if test.changed {
				want = strings.Replace(want, w.old, w.next, 1)
			}
			asked, over := make(chan struct{}), make(chan struct{})
			var once sync.Once
			silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				once.Do(func() { close(asked) })
				select {
				case <-over:
				case <-r.Context().Done():
				}
			}))
			defer silent.Close()
			defer close(over)

			cmd := program("rotate", "imkit", "-", "--yes", "--dotenv", w.dotenv, test.flag, silent.URL)
			cmd.Stdin = strings.NewReader(w.next)
			var out, errs bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &errs
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			<-asked
			if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			if cmd.ProcessState.ExitCode() != cli.ExitFailure || !strings.HasPrefix(errs.String(), test.want) || strings.Count(errs.String(), "\n") != 1 {
				t.Errorf("%v: %s%s", cmd.ProcessState, out.String(), errs.String())
			}
			w.quiet(t, out.String()+errs.String())
			if w.content(t) != want {
				t.Error("the file is not what it is to be")
			}
		})
	}
}

// pty is a terminal: what a person sees, and the end that a program has.
func pty(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { person.Close() })
	fd := int(person.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Skip(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Skip(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

// screen collects what a person sees.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func watchScreen(person io.Reader) *screen {
	s := &screen{more: make(chan struct{}, 1000)}
	go func() {
		for r := bufio.NewReader(person); ; {
			b, err := r.ReadByte()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.text.WriteByte(b)
			s.mu.Unlock()
			select {
			case s.more <- struct{}{}:
			default:
			}
		}
	}()
	return s
}

// shows waits until a text stands there.
func (s *screen) shows(t *testing.T, text string) string {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		s.mu.Lock()
		now := s.text.String()
		s.mu.Unlock()
		if strings.Contains(now, text) {
			return now
		}
		select {
		case <-s.more:
		case <-late:
			t.Fatalf("%q is not shown: %q", text, now)
		}
	}
}

func echoes(t *testing.T, tty *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

func TestRotateAsksAPersonWithoutEcho(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{"agreed": "y\n", "not agreed": "\n", "a dash": "y\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRotateWorld(t, mockserver.MindKey)
			before := w.content(t)
			person, program := pty(t)
			seen := watchScreen(person)
			code := make(chan int)
			go func() {
				args := []string{"rotate", "mindkey", "--dotenv", w.dotenv}
				if name == "a dash" { // which means the standard input, and that is the terminal
					args = append(args, "-")
				}
				code <- run(context.Background(), args,
					cli.Terminal{In: program, Out: program, Err: program, Env: func(string) (string, bool) { return "", false }})
			}()
			seen.shows(t, "New MINDKEY_API_KEY (not shown): ")
			for echoes(t, program) { // it is off a moment after the question
				time.Sleep(time.Millisecond)
			}
			_, _ = person.WriteString(w.next + "\n")
			seen.shows(t, "? [y/N] ")
			_, _ = person.WriteString(answer)
			got, want := <-code, cli.ExitOK
			if answer != "y\n" {
				want = cli.ExitFailure
				seen.shows(t, "keyfit: not confirmed; nothing was changed")
				if w.content(t) != before {
					t.Error("the file was changed")
				}
			} else {
				seen.shows(t, "→ revoke      in MindKey, Administration")
				if w.content(t) != strings.Replace(before, w.old, w.next, 1) {
					t.Error("the file does not have the new key")
				}
			}
			if got != want || !echoes(t, program) {
				t.Errorf("exit code %d, echo %v", got, echoes(t, program))
			}
			w.quiet(t, seen.shows(t, ""))
		})
	}
}

func TestCtrlCAtTheQuestionGivesTheEchoBack(t *testing.T) {
	t.Parallel()
	w := newRotateWorld(t, mockserver.MindKey)
	before := w.content(t)
	person, program := pty(t)
	seen := watchScreen(person)
	ctx, cancel := context.WithCancel(context.Background())
	code := make(chan int)
	go func() {
		code <- run(ctx, []string{"rotate", "mindkey", "--dotenv", w.dotenv}, cli.Terminal{In: program, Out: program, Err: program, Env: func(string) (string, bool) { return "", false }})
	}()
	seen.shows(t, "(not shown): ")
	for echoes(t, program) {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if got := <-code; got != cli.ExitFailure || !echoes(t, program) || w.content(t) != before {
		t.Errorf("exit code %d, echo %v", got, echoes(t, program))
	}
	seen.shows(t, "keyfit: interrupted; nothing was changed")
	_, _ = person.WriteString("\n") // lets the reader go
}

func TestATerminalHasOneLiveLine(t *testing.T) {
	t.Parallel()
	w := newRotateWorld(t, mockserver.IMKIT)
	fill := strings.NewReplacer("OLD", fingerprint(w.old), "NEW", fingerprint(w.next))
	srv := script(t, fill.Replace(`{"current":{"generation":3,"fingerprint":"OLD"}}`), fill.Replace(`{"current":{"generation":4,"fingerprint":"NEW"},"safe_to_revoke":["OLD"]}`))
	person, program := pty(t)
	seen := watchScreen(person)
	got := run(t.Context(), []string{"rotate", "imkit", "-", "--yes", "--dotenv", w.dotenv, "--watch", srv.URL, "--watch-every", "5ms"},
		cli.Terminal{In: strings.NewReader(w.next), Out: program, Err: program, Env: func(string) (string, bool) { return "", false }})
	text := seen.shows(t, "→ revoke")
	live := "\r\x1b[K… " + srv.URL + ": " + fill.Replace("generation 3, OLD is current, which is the old key")
	if got != 0 || !strings.Contains(text, live) || !strings.Contains(text, "\r\x1b[K✓ unused") || strings.Contains(text, "watching") {
		t.Errorf("exit code %d: %q", got, text)
	}
}

// Ctrl-C while the services are watched asks for the way back, and the answer counts.
func TestAPersonMayPutTheOldKeyBack(t *testing.T) {
	t.Parallel()
	for answer, back := range map[string]bool{"y\n": true, "\n": false} {
		w := newRotateWorld(t, mockserver.IMKIT)
		before := w.content(t)
		person, program := pty(t)
		seen := watchScreen(person)
		ctx, interrupt := context.WithCancel(context.Background())
		code := make(chan int)
		go func() {
			code <- run(ctx, []string{"rotate", "imkit", "--dotenv", w.dotenv, "--watch", w.staysOld(t), "--watch-every", "5ms"},
				cli.Terminal{In: program, Out: program, Err: program, Env: func(string) (string, bool) { return "", false }})
		}()
		seen.shows(t, "(not shown): ")
		for echoes(t, program) {
			time.Sleep(time.Millisecond)
		}
		_, _ = person.WriteString(w.next + "\n")
		seen.shows(t, "? [y/N] ")
		_, _ = person.WriteString("y\n")
		seen.shows(t, "is rejected")
		interrupt()
		seen.shows(t, "Put the old key back into IMKIT_API_KEY in ")
		_, _ = person.WriteString(answer)
		if got := <-code; got != cli.ExitFailure || (w.content(t) == before) != back {
			t.Errorf("%q: exit code %d, back: %v", answer, got, w.content(t) == before)
		}
		seen.shows(t, map[bool]string{true: "interrupted; the old key is back in ", false: "interrupted; the new key is in "}[back])
		w.quiet(t, seen.shows(t, ""))
	}
}

// The live table is drawn over itself, no wider and no higher than the screen.
func TestWatchRedrawsItsTable(t *testing.T) {
	t.Parallel()
	srv := script(t, hasOld, hasBoth, hasNew)
	person, program := pty(t)
	if err := unix.IoctlSetWinsize(int(program.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 8, Col: 60}); err != nil {
		t.Skip(err)
	}
	seen := watchScreen(person)
	args := []string{"watch", "--every", "5ms", "--old", oldFP}
	for range 6 { // more than fit
		args = append(args, script(t, hasNew).URL)
	}
	got := run(t.Context(), append(args, srv.URL), cli.Terminal{In: program, Out: program, Err: program, Env: func(string) (string, bool) { return "", false }})
	text := seen.shows(t, "✓ all 7 replicas have released "+oldFP)
	if got != 0 || !strings.Contains(text, "\x1b[7A\r\x1b[J") || !strings.Contains(text, "and 3 more") || !strings.Contains(text, srv.URL) {
		t.Errorf("exit code %d: %q", got, text)
	}
	for line := range strings.Lines(text[:strings.Index(text, "✓")]) {
		if n := len([]rune(strings.TrimPrefix(strings.TrimRight(line, "\r\n"), "\x1b[7A\r\x1b[J"))); n >= 60 {
			t.Errorf("%d columns: %q", n, line)
		}
	}
}
