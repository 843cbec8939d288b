//go:build !race

package keyfit_test

const raceDetector = false
