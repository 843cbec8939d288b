package main

import (
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

// mockSignals are the signals that end mock. There is none that reloads: POST /v1/reload does.
func mockSignals() []os.Signal { return []os.Signal{os.Interrupt, syscall.SIGTERM} }

func isReload(os.Signal) bool { return false }

// The errors of the system for an address that is taken, and for one that this user may not
// listen on.
const (
	errAddressInUse     = windows.WSAEADDRINUSE
	errAddressForbidden = windows.WSAEACCES
)
