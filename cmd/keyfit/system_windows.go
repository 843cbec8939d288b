package main

import (
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

// forwarded are the signals that run passes to its command.
func forwarded() []os.Signal { return []os.Signal{os.Interrupt} }

// fromKeyboard reports whether a console sends the signal by itself, to every process that
// shares it.
func fromKeyboard(sig os.Signal) bool { return sig == os.Interrupt }

// mockSignals are the signals that end mock. There is none that reloads: POST /v1/reload does.
func mockSignals() []os.Signal { return []os.Signal{os.Interrupt, syscall.SIGTERM} }

func isReload(os.Signal) bool { return false }

// exitCode is the command's exit code.
func exitCode(s *os.ProcessState) int { return s.ExitCode() }

// The errors of the system for an address that is taken, and for one that this user may not
// listen on.
const (
	errAddressInUse     = windows.WSAEADDRINUSE
	errAddressForbidden = windows.WSAEACCES
)
