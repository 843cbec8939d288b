package job_test

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/job"
)

// role is the variable that makes the test's own binary one of the processes of a test.
const role = "TEST_JOB_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "shell":
		shell()
	case "runner":
		code, err := job.Run(as("counter", os.Stdin, os.Stdout))
		if err != nil {
			fmt.Println("FAILED", err)
		}
		os.Exit(code)
	case "counter":
		counter()
	default:
		os.Exit(m.Run())
	}
}

// as returns the test's own binary in a role.
func as(name string, in, out *os.File) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(line string) bool { return strings.HasPrefix(line, role+"=") }), role+"="+name)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, out
	return cmd
}

// counter prints each signal that it gets. SIGTERM ends it.
func counter() {
	signals := make(chan os.Signal, 100)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM,
		syscall.SIGTERM, syscall.SIGWINCH, syscall.SIGCONT, syscall.SIGIO)
	fmt.Println("READY")
	for sig := range signals {
		number, _ := sig.(syscall.Signal)
		fmt.Println("GOT", unix.SignalName(number))
		if sig == syscall.SIGTERM {
			if os.Getenv("TEST_JOB_READ") != "" { // a command in the background that wants the keyboard
				line, _ := bufio.NewReader(os.Stdin).ReadString('\n')
				fmt.Println("READ", strings.TrimSpace(line))
			}
			os.Exit(7)
		}
	}
}

// shell runs the runner as an interactive shell does: in the foreground, and again after it
// was stopped.
func shell() {
	cmd := as("runner", os.Stdin, os.Stdout)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Foreground: true, Ctty: 0}
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	signal.Ignore(syscall.SIGTTOU)
	for {
		var state syscall.WaitStatus
		if _, err := syscall.Wait4(cmd.Process.Pid, &state, syscall.WUNTRACED, nil); err != nil {
			continue
		}
		if !state.Stopped() {
			fmt.Println("EXIT", state.ExitStatus())
			return
		}
		fmt.Println("STOPPED")
		_ = unix.IoctlSetPointerInt(0, unix.TIOCSPGRP, cmd.Process.Pid)
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGCONT)
	}
}

// openTerminal makes a pseudo-terminal: the side of the person, and that of the program.
func openTerminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no pseudo-terminals: ", err)
	}
	t.Cleanup(func() { _ = person.Close() })
	conn, err := person.SyscallConn() // Fd would make reading uninterruptible
	if err != nil {
		t.Fatal(err)
	}
	var number int
	if controlErr := conn.Control(func(fd uintptr) {
		if number, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN); err == nil {
			err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0)
		}
	}); controlErr != nil {
		t.Fatal(controlErr)
	}
	if err == nil {
		program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		t.Skip("no pseudo-terminals: ", err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return person, program
}

// echoed is what a terminal prints of the keys that send signals.
var echoed = regexp.MustCompile(`^(\^[CZ\\])+`)

// scene is a runner that runs a counter, on a terminal or without one.
type scene struct {
	t      *testing.T
	cmd    *exec.Cmd
	person *os.File // the keyboard; nil without a terminal
	lines  chan string
}

// play starts a program in a session of its own. Its input and output are the terminal unless
// they are said to be otherwise.
func play(t *testing.T, program string, terminal, stdin, stdout bool, env ...string) *scene {
	t.Helper()
	s := &scene{t: t, lines: make(chan string, 1000)}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	in, out, read := (*os.File)(nil), writer, io.Reader(reader)
	attr := &syscall.SysProcAttr{Setsid: true}
	var tty *os.File
	if terminal {
		s.person, tty = openTerminal(t)
		attr.Setctty, attr.Ctty = true, 3
		if stdin {
			in = tty
		}
		if stdout {
			out, read = tty, s.person
		}
	}
	s.cmd = as(program, in, out)
	if in == nil {
		s.cmd.Stdin = nil
	}
	s.cmd.Env = append(s.cmd.Env, env...)
	s.cmd.SysProcAttr = attr
	if tty != nil {
		s.cmd.ExtraFiles = []*os.File{tty}
	}
	if err := s.cmd.Start(); err != nil {
		t.Skip("no session: ", err)
	}
	_ = writer.Close()
	go func() {
		for scan := bufio.NewScanner(read); scan.Scan(); {
			s.lines <- echoed.ReplaceAllString(strings.TrimSpace(scan.Text()), "")
		}
		close(s.lines)
	}()
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	s.await("READY")
	return s
}

// await reads up to a line and counts those before it.
func (s *scene) await(want string) map[string]int {
	s.t.Helper()
	got := make(map[string]int)
	late := time.After(10 * time.Second)
	for {
		select {
		case line, more := <-s.lines:
			if line == want {
				return got
			}
			if !more {
				s.t.Fatalf("%q did not come after %v", want, got)
			}
			if line != "" {
				got[line]++
			}
		case <-late:
			s.t.Fatalf("%q does not come after %v", want, got)
		}
	}
}

func (s *scene) send(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) press(keys string) {
	s.t.Helper()
	if _, err := s.person.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

func scenes(t *testing.T) map[string]*scene {
	t.Helper()
	return map[string]*scene{
		"on a terminal":            play(t, "runner", true, true, true),
		"input from elsewhere":     play(t, "runner", true, false, true),
		"output into a pipe":       play(t, "runner", true, true, false),
		"neither input nor output": play(t, "runner", true, false, false),
		"no terminal":              play(t, "runner", false, false, false),
	}
}

// Random signals of the keyboard and of other processes, one after the other: each is met
// exactly once.
func TestEverySignalReachesTheCommandOnce(t *testing.T) {
	t.Parallel()
	keys := map[string]string{"\x03": "SIGINT", "\x1c": "SIGQUIT"}
	sent := []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGALRM, syscall.SIGWINCH, syscall.SIGIO}
	for name, s := range scenes(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64()
			random := rand.New(rand.NewPCG(seed, 1))
			s.t = t
			for i := range 40 {
				var want string
				if key := slices.Sorted(maps.Keys(keys))[random.IntN(len(keys))]; s.person != nil && random.IntN(2) == 0 {
					s.press(key)
					want = keys[key]
				} else {
					sig := sent[random.IntN(len(sent))]
					s.send(sig)
					want = unix.SignalName(sig)
				}
				before := s.await("GOT " + want)
				s.send(syscall.SIGUSR2) // whatever comes twice has come before it
				between := s.await("GOT SIGUSR2")
				if len(before)+len(between) > 0 {
					t.Fatalf("seed %d, signal %d, %s: also got %v", seed, i, want, []map[string]int{before, between})
				}
			}
			s.send(syscall.SIGTERM)
			s.await("GOT SIGTERM")
			_ = s.cmd.Wait()
			if code := s.cmd.ProcessState.ExitCode(); code != 7 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

// The terminal is the command's while it runs, and the runner's again when it has ended.
func TestTheCommandReadsFromTheTerminal(t *testing.T) {
	t.Parallel()
	for name, stdout := range map[string]bool{"at once": true, "when it asks, if a pager follows": false} {
		s := play(t, "runner", true, true, stdout, "TEST_JOB_READ=1")
		s.send(syscall.SIGTERM)
		s.await("GOT SIGTERM")
		s.press("lorem fitsum\n")
		s.await("READ lorem fitsum")
		_ = s.cmd.Wait()
		if code := s.cmd.ProcessState.ExitCode(); code != 7 {
			t.Errorf("%s: exit code %d", name, code)
		}
	}
}

func TestCtrlZStopsTheJobAndTheShellContinuesIt(t *testing.T) {
	t.Parallel()
	s := play(t, "shell", true, true, true)
	for range 2 {
		s.press("\x1a")
		s.await("STOPPED")
		if d := cmp.Diff(map[string]int{}, s.await("GOT SIGCONT")); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
	s.press("\x03") // the terminal is the command's again
	s.await("GOT SIGINT")
	s.press("\x1c")
	s.await("GOT SIGQUIT")
}

// A program that nobody watches would stay stopped for ever.
func TestCtrlZWithoutAShellDoesNotStopForEver(t *testing.T) {
	t.Parallel()
	for _, stdout := range []bool{true, false} {
		s := play(t, "runner", true, true, stdout)
		s.press("\x1a")
		s.await("GOT SIGCONT")
		s.press("\x03")
		s.await("GOT SIGINT")
	}
}

func TestASignalThatIsIgnoredStaysIgnored(t *testing.T) {
	t.Parallel()
	s := play(t, "runner", false, false, false)
	s.send(syscall.SIGTERM)
	s.await("GOT SIGTERM")
	self := as("runner", nil, nil)
	self.Stdin, self.Stdout = nil, nil
	script := exec.Command("sh", "-c", `trap "" HUP; exec "$0"`, self.Path)
	script.Env = self.Env
	out, err := script.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := script.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Scan() // READY
	for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGTERM} {
		if err := script.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for lines.Scan() {
		got = append(got, lines.Text())
	}
	_ = script.Wait()
	if slices.Contains(got, "GOT SIGHUP") || !slices.Contains(got, "GOT SIGTERM") {
		t.Errorf("%v", got)
	}
}

func TestACommandThatCannotBeStarted(t *testing.T) {
	t.Parallel()
	if code, err := job.Run(exec.Command("/")); code != job.ExitCannotRun || err == nil {
		t.Errorf("a directory: %d, %v", code, err)
	}
}
