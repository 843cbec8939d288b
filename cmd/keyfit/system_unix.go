//go:build unix

package main

import (
	"os"
	"syscall"
)

// mockSignals are the signals that mock handles: those that end it, and the one that reloads.
func mockSignals() []os.Signal { return []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} }

// isReload reports whether the signal makes mock read its configuration again.
func isReload(sig os.Signal) bool { return sig == syscall.SIGHUP }

// The errors of the system for an address that is taken, and for one that this user may not
// listen on.
const (
	errAddressInUse     = syscall.EADDRINUSE
	errAddressForbidden = syscall.EACCES
)
