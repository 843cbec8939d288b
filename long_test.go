package keyfit_test

import "os"

// longRun tells whether the long tail is asked for, as .ci/run does with KEYFIT_LONG=1:
// further seeds and more repetitions of what a plain run does at least once.
func longRun() bool { return os.Getenv("KEYFIT_LONG") != "" }
