// Package cputime measures processor time, for tests that compare what two inputs cost: other
// programs on the machine make a test slower, and do not make it fail.
package cputime
