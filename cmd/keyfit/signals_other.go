//go:build !unix

package main

import "os"

// forwarded are the signals that run passes to its command.
func forwarded() []os.Signal { return []os.Signal{os.Interrupt} }

// fromKeyboard reports whether a terminal sends the signal for a key.
func fromKeyboard(sig os.Signal) bool { return sig == os.Interrupt }

// exitCode is the command's code.
func exitCode(s *os.ProcessState) int { return s.ExitCode() }
