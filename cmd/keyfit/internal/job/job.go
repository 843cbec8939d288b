// Package job runs a command as a shell runs a job: in a process group of its own, with the
// terminal, and with every signal exactly once.
//
// A terminal sends Ctrl-C to all processes of its foreground group. A program that runs
// another one in its own group can therefore not tell whether the other has a signal already.
// Here it never has: the command is in a group of its own.
//
//   - If this program is in the foreground, the command's group gets the terminal, and with it
//     what the keyboard sends, as if it had been started from the shell. This program gets
//     what others send to it, and passes it on to the command.
//   - If its output goes into a pipe (keyfit run -- tests | less), the program behind the pipe
//     needs the keyboard. Then the command gets the terminal when it asks for it, and until
//     then this program gets what the keyboard sends, and passes it on to the whole group.
//   - Without a terminal, this program gets all signals, and passes them on to the command.
//
// If the command is stopped (Ctrl-Z), so is this program; if it is continued (fg, bg), so is
// the command.
package job

// The exit codes of a command that could not be started, as in a shell.
const (
	ExitCannotRun = 126
	ExitNotFound  = 127
)
