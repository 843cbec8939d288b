package main

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/keyfit/keyfit/mockserver"
)

// savedKeys are issued with many keys stored, to measure what saving one takes.
const savedKeys = 200

// saveTimes measures a state file of few and of many keys: how long the whole takes to write and
// to read, and one key that is issued and so saved before its value is shown.
func saveTimes(say func(string, ...any)) error {
	for _, keys := range []int{1000, 100_000} {
		whole, one, opened, err := saves(keys)
		if err != nil {
			return err
		}
		say("state file, %d keys: all saved in %.1f ms, opened in %.1f ms; one key issued and saved in %.2f ms\n",
			keys, milliseconds(whole), milliseconds(opened), median(one, func(d time.Duration, _ int) float64 { return milliseconds(d) }))
	}
	return nil
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1000 }

func saves(keys int) (whole time.Duration, one []time.Duration, opened time.Duration, err error) {
	dir, err := os.MkdirTemp("", "keyfit-measure")
	if err != nil {
		return 0, nil, 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	st, err := stateOf(keys)
	if err != nil {
		return 0, nil, 0, err
	}
	path := filepath.Join(dir, "state.json")
	srv, err := mockserver.NewHandler(mockserver.WithStateFile(path))
	if err != nil {
		return 0, nil, 0, err
	}
	start := time.Now()
	if err := srv.RestoreAll(st); err != nil {
		return 0, nil, 0, errors.Join(err, srv.Close())
	}
	whole = time.Since(start)
	for range savedKeys {
		start := time.Now()
		srv.Keys().Issue(mockserver.IMKIT)
		one = append(one, time.Since(start))
	}
	if err := srv.Close(); err != nil {
		return 0, nil, 0, err
	}
	start = time.Now()
	if srv, err = mockserver.NewHandler(mockserver.WithStateFile(path)); err != nil {
		return 0, nil, 0, err
	}
	opened = time.Since(start)
	return whole, one, opened, srv.Close()
}

// stateOf returns a state with a number of keys.
func stateOf(keys int) (mockserver.State, error) {
	srv, err := mockserver.NewHandler()
	if err != nil {
		return mockserver.State{}, err
	}
	for range keys {
		srv.Keys().Issue(mockserver.IMKIT)
	}
	return srv.SnapshotAll(), srv.Close()
}
