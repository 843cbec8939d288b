//go:build unix

package job

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// Run runs the command to its end. The code is that of the command, or 128 and the number of
// the signal that ended it, as in a shell. The error says that it could not be started.
func Run(cmd *exec.Cmd) (code int, err error) {
	signals := make(chan os.Signal, 64)
	signal.Notify(signals, passedOn()...)
	defer signal.Stop(signals)
	j := job{cmd: cmd, tty: openTerminal(), own: syscall.Getpgrp()}
	defer j.tty.close()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if j.inForeground() && !isPipe(cmd.Stdout) {
		cmd.SysProcAttr.Foreground, cmd.SysProcAttr.Ctty, j.holds = true, int(j.tty), true
	}
	err = cmd.Start()
	if j.tty.exists() { // not before the command has started: it would inherit this
		signal.Ignore(syscall.SIGTTOU) // of taking the terminal back
		defer signal.Reset(syscall.SIGTTOU)
	}
	if err != nil {
		j.takeBack()
		return ExitCannotRun, err //nolint:wrapcheck // the caller names the command
	}
	j.group = cmd.Process.Pid
	state := j.follow(signals)
	j.takeBack()
	_ = cmd.Wait() // that the process has been waited for already; it joins what copies the output
	if state.Signaled() {
		return 128 + int(state.Signal()), nil
	}
	return state.ExitStatus(), nil
}

// passedOn are the signals that a command gets from this program: those that one process sends
// to another, without those that this program ignores from its start (nohup).
func passedOn() []os.Signal {
	all := []os.Signal{
		syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM,
		syscall.SIGTERM, syscall.SIGCONT, syscall.SIGTSTP, syscall.SIGWINCH, syscall.SIGIO,
	}
	passed := make([]os.Signal, 0, len(all))
	for _, sig := range all {
		if !signal.Ignored(sig) {
			passed = append(passed, sig)
		}
	}
	return passed
}

// isPipe reports whether another program reads the output.
func isPipe(out any) bool {
	file, ok := out.(*os.File)
	if !ok {
		return true
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeNamedPipe != 0
}

// job is a command that runs, and its process group.
type job struct {
	cmd   *exec.Cmd
	tty   terminal
	own   int  // the process group of this program
	group int  // that of the command
	holds bool // the command gets the terminal whenever this program is in the foreground
}

// follow passes signals on until the command has ended.
func (j *job) follow(signals <-chan os.Signal) syscall.WaitStatus {
	changes := make(chan syscall.WaitStatus)
	go func() {
		for {
			state := wait(j.cmd.Process.Pid)
			changes <- state
			if !state.Stopped() {
				return
			}
		}
	}()
	for {
		select {
		case sig := <-signals:
			j.pass(sig)
		case state := <-changes:
			if !state.Stopped() {
				return state
			}
			j.stopped(state.StopSignal(), signals)
		}
	}
}

// wait returns when the process is stopped or has ended.
func wait(pid int) (state syscall.WaitStatus) {
	for {
		_, err := syscall.Wait4(pid, &state, syscall.WUNTRACED, nil)
		if !errors.Is(err, syscall.EINTR) {
			return state
		}
	}
}

// pass sends the command a signal that this program got.
func (j *job) pass(sig os.Signal) {
	number, ok := sig.(syscall.Signal)
	switch {
	case !ok:
	case number == syscall.SIGCONT:
		j.resume()
	case j.tty.exists() && !j.holds && fromKeyboard(number):
		_ = syscall.Kill(-j.group, number) // an error means that it has just ended
	default:
		_ = j.cmd.Process.Signal(number) // as above
	}
}

// fromKeyboard reports whether a terminal sends the signal, to all processes in the foreground.
func fromKeyboard(sig syscall.Signal) bool {
	switch sig {
	case syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTSTP, syscall.SIGWINCH:
		return true
	default:
		return false
	}
}

// stopped is called when the command is stopped: because it wants the terminal, or by Ctrl-Z.
func (j *job) stopped(by syscall.Signal, signals <-chan os.Signal) {
	wants := by == syscall.SIGTTIN || by == syscall.SIGTTOU
	switch {
	case !j.tty.exists() || by == syscall.SIGSTOP:
	case wants && !j.holds && j.inForeground():
		j.holds = true
		j.resume()
	default:
		j.stopToo(signals)
		j.resume()
	}
}

// stopToo stops this program and its group, so that the shell sees its job stopped, and
// returns when it is continued.
func (j *job) stopToo(signals <-chan os.Signal) {
	j.takeBack()
	if !j.hasShell() {
		return
	}
	group := 0 // all of this program's own group: they did not get what the command got
	if !j.holds {
		group = syscall.Getpid()
	}
	// Not SIGTSTP: once a Go program has asked for it, its default is gone for good.
	_ = syscall.Kill(group, syscall.SIGSTOP) // cannot fail: it is this program
	for sig := range signals {
		if sig == syscall.SIGCONT {
			return
		}
		j.pass(sig)
	}
}

// hasShell reports whether there is a shell that continues what is stopped: the leader of the
// session, in another group. Without one, a stopped program would stay so for ever.
func (j *job) hasShell() bool {
	leader, err := unix.Getsid(0)
	return err == nil && leader != j.own && !errors.Is(syscall.Kill(leader, 0), syscall.ESRCH)
}

// resume continues the command, with the terminal if that is this program's to give.
func (j *job) resume() {
	if j.holds && j.inForeground() {
		j.tty.give(j.group)
	}
	_ = syscall.Kill(-j.group, syscall.SIGCONT) // an error means that it has just ended
}

// inForeground reports whether this program's group has the terminal.
func (j *job) inForeground() bool { return j.tty.holder() == j.own }

// takeBack takes the terminal from the command, or from a group of it that is no more.
func (j *job) takeBack() {
	holder := j.tty.holder()
	if holder == 0 || holder == j.own {
		return
	}
	if holder == j.group || errors.Is(syscall.Kill(-holder, 0), syscall.ESRCH) {
		j.tty.give(j.own)
	}
}
