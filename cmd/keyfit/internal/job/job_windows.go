package job

import (
	"os"
	"os/exec"
	"os/signal"
)

// Run runs the command to its end and returns its code. The error says that it could not be
// started. The console sends Ctrl-C to all programs on it, so nothing is passed on.
func Run(cmd *exec.Cmd) (code int, err error) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt) // it ends the command, and not this program before it
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return ExitCannotRun, err
	}
	_ = cmd.Wait() // the state has the code
	return cmd.ProcessState.ExitCode(), nil
}
