// Package command runs a program and returns what it printed, within bounds of time and
// size.
//
// The program is run without a shell, with the environment of this process and no input. A
// program that takes too long or prints too much is killed. One that leaves a child behind
// that keeps its output open is not waited for: what it printed until it ended counts.
//
// Arguments and output may be secret. No error names an argument, quotes a word of the output
// or of the standard error, or has a path of the file system in it: an error says the exit
// status and how many bytes there are to read on the standard error.
//
// The zero [Limits] grant no time at all. [Run] keeps no state and is safe for concurrent
// use; runs are then concurrent too.
package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"time"
)

// Limits bounds one run.
type Limits struct {
	Timeout time.Duration // how long the program may take
	Linger  time.Duration // how long its output may stay open once it has ended or was killed
	Output  int           // how many bytes it may print
}

// ExitError says that the program ended by itself, and not well.
type ExitError struct {
	Status int    // the exit status; -1 if a signal ended it
	State  string // the same for a person: "exit status 3", "signal: killed"
	Notes  int    // how many bytes it wrote on its standard error
}

// Error is one line without anything that the program printed.
func (e *ExitError) Error() string {
	return "failed: " + e.State + NotesText(e.Notes) + "; run it by hand to read why"
}

// NotesText says, as the end of a clause, how much there is on the standard error; "" if
// there is nothing.
func NotesText(size int) string {
	if size == 0 {
		return ""
	}
	return fmt.Sprintf(", with %d bytes on its standard error", size)
}

// Run runs the program and returns what it printed, if it ended with status 0. If it ended
// otherwise, the error is an [*ExitError]; if ctx ended first, that of ctx.
func Run(ctx context.Context, limits Limits, name string, args ...string) ([]byte, error) {
	if name == "" {
		return nil, errors.New("no command is named")
	}
	within, cancel := context.WithTimeout(ctx, limits.Timeout)
	defer cancel()
	cmd := exec.CommandContext(within, name, args...) //nolint:gosec // the caller's own choice, and no shell reads it
	out, notes := &output{limit: limits.Output, exceeded: cancel}, &output{}
	cmd.Stdout, cmd.Stderr = out, notes
	cmd.WaitDelay = limits.Linger // a grandchild that keeps the pipes must not hold us
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // the program itself ended well; whether its output is whole is for the caller to see
	}
	switch ended, exited := errors.AsType[*exec.ExitError](err); {
	case out.size > limits.Output:
		return nil, fmt.Errorf("printed more than %d bytes, so it is not what was meant", limits.Output)
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case within.Err() != nil:
		return nil, fmt.Errorf("gave no answer within %s%s", limits.Timeout, NotesText(notes.size))
	case exited:
		return nil, &ExitError{Status: ended.ExitCode(), State: ended.String(), Notes: notes.size}
	case err != nil:
		return nil, fmt.Errorf("could not be run: %w", withoutPath(err))
	}
	return out.kept.Bytes(), nil
}

// withoutPath keeps what the system said and leaves out the name and the paths.
func withoutPath(err error) error {
	if e, ok := errors.AsType[*exec.Error](err); ok {
		return e.Err
	}
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

// output keeps up to limit bytes and counts the rest.
type output struct {
	kept     bytes.Buffer
	limit    int
	size     int
	exceeded func() // called for each write beyond the limit; nil for never
}

func (o *output) Write(p []byte) (int, error) {
	o.kept.Write(p[:min(len(p), o.limit-o.kept.Len())])
	o.size += len(p)
	if o.size > o.limit && o.exceeded != nil {
		o.exceeded()
	}
	return len(p), nil
}
