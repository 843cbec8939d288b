//go:build unix

package job

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// terminal is the file descriptor of the terminal that controls this program; -1 without one.
type terminal int

func openTerminal() terminal {
	fd, err := syscall.Open("/dev/tty", syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	return terminal(fd)
}

func (t terminal) exists() bool { return t >= 0 }

func (t terminal) close() {
	if t.exists() {
		_ = syscall.Close(int(t)) // nothing was written
	}
}

// holder is the process group in the foreground; 0 if there is none.
func (t terminal) holder() int {
	if !t.exists() {
		return 0
	}
	group, err := unix.IoctlGetInt(int(t), unix.TIOCGPGRP)
	if err != nil {
		return 0 // hung up
	}
	return group
}

// give makes a process group the one in the foreground.
func (t terminal) give(group int) {
	if t.exists() {
		_ = unix.IoctlSetPointerInt(int(t), unix.TIOCSPGRP, group) // it has hung up, or the group has ended
	}
}
