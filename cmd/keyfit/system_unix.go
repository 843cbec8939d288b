//go:build unix

package main

import (
	"os"
	"syscall"
)

// forwarded are the signals that run passes to its command.
func forwarded() []os.Signal {
	return []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2}
}

// fromKeyboard reports whether a terminal sends the signal by itself, to every process in the
// foreground.
func fromKeyboard(sig os.Signal) bool { return sig == syscall.SIGINT || sig == syscall.SIGQUIT }

// mockSignals are the signals that mock handles: those that end it, and the one that reloads.
func mockSignals() []os.Signal { return []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} }

// isReload reports whether the signal makes mock read its configuration again.
func isReload(sig os.Signal) bool { return sig == syscall.SIGHUP }

// exitCode is the command's exit code, or 128 and the number of the signal that ended it, as a
// shell has it.
func exitCode(s *os.ProcessState) int {
	if w, ok := s.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return 128 + int(w.Signal())
	}
	return s.ExitCode()
}

// The errors of the system for an address that is taken, and for one that this user may not
// listen on.
const (
	errAddressInUse     = syscall.EADDRINUSE
	errAddressForbidden = syscall.EACCES
)
