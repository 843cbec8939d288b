package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/flagvalue"
	"github.com/keyfit/keyfit/internal/privatefile"
	"github.com/keyfit/keyfit/mockserver"
)

// scenarioSettings are the settings of a mock that plays a scenario from its start.
type scenarioSettings struct {
	scenarioName string
	speed        int64
	keyFiles     string // directory

	scenario *mockserver.Scenario // of scenarioName
}

func (s *scenarioSettings) scenarioFlags(f *pflag.FlagSet) {
	f.StringVar(&s.scenarioName, "scenario", "", "play this `scenario` from the start: a name of keyfit scenario list, or a file (docs/scenarios.md)")
	s.speed = 1
	flagvalue.Int(f, &s.speed, "speed", 1, 1_000_000, "let the clock run this `number` of times as fast; 60 is a minute each second")
	f.StringVar(&s.keyFiles, "key-files", "", "write the keys to files in this `directory`, which follow the rotations of a scenario; sets IMKIT_API_KEY_FILE and the like in place of IMKIT_API_KEY")
}

// loadScenario reads the file of --scenario.
func (s *settings) loadScenario() error {
	s.scenario = nil
	if s.speed != 1 && s.freeze != "" {
		return cli.Usagef("--speed is for a clock that runs, and --freeze stops it")
	}
	if s.scenarioName == "" {
		return nil
	}
	if s.pipes.scenario == nil || !isPipe(s.scenarioName) {
		found, err := findScenario(s.scenarioName, s.known())
		if err != nil {
			return cli.UsageError{Err: fmt.Errorf("--scenario: %w", err)}
		}
		s.pipes.scenario = &found
	}
	s.scenario = s.pipes.scenario
	return nil
}

// play starts the clock and the scenario of the settings.
func (m *localMock) play(s *settings) error {
	if s.speed > 1 {
		m.srv.Clock().Run(float64(s.speed))
	}
	if s.scenario == nil {
		return nil
	}
	if _, err := m.srv.Play(*s.scenario, s.played()...); err != nil {
		return cli.UsageError{Err: fmt.Errorf("--scenario: %w", err)}
	}
	return nil
}

// checkReplay returns an error if replay would fail.
func (m *localMock) checkReplay(was, next *settings) error {
	if next.scenario == nil || reflect.DeepEqual(was.scenario, next.scenario) {
		return nil
	}
	return m.srv.CheckScenario(*next.scenario, next.played()...) //nolint:wrapcheck // it names the member
}

// replay plays a scenario that has changed from its start; one that has not changed goes on.
func (m *localMock) replay(was, next *settings) error {
	if reflect.DeepEqual(was.scenario, next.scenario) {
		return nil
	}
	if p := m.srv.Playing(); p != nil {
		p.Stop()
	}
	if next.scenario == nil {
		return nil
	}
	_, err := m.srv.Play(*next.scenario, next.played()...)
	return err //nolint:wrapcheck // it names the member
}

// keyFiles are the files that have the keys of the start, or their successors.
type keyFiles struct {
	dir string // "": none
	log *slog.Logger
}

// path returns the file of a key; "" if it has none: a pair is two values.
func (kf *keyFiles) path(i mockserver.Issued) string {
	if kf.dir == "" || i.Kind != mockserver.KindKey || i.Name != startKeyName {
		return ""
	}
	return filepath.Join(kf.dir, variableName(string(i.Provider))+"_API_KEY")
}

// write puts a key in the place of the one before it.
func (kf *keyFiles) write(i mockserver.Issued) error {
	path := kf.path(i)
	if path == "" {
		return nil
	}
	if err := privatefile.Replace(path, []byte(i.Secret.Reveal()+"\n")); err != nil {
		return fmt.Errorf("key files: %w", err)
	}
	return nil
}

// succeed is called for each key that a step of a scenario issues.
func (kf *keyFiles) succeed(i mockserver.Issued) {
	if err := kf.write(i); err != nil && kf.log != nil {
		kf.log.Error("the successor of a key is not in its file", "key", i.ID, "error", err)
	}
}

// begin writes the first key of a file. It takes no file that is there: that may be a real key's.
func (kf *keyFiles) begin(i mockserver.Issued) error {
	err := privatefile.Create(kf.path(i), []byte(i.Secret.Reveal()+"\n"))
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("key files: %s is there already and stays as it is; name a directory of the mock's own", kf.path(i))
	}
	if err != nil {
		return fmt.Errorf("key files: %w", err)
	}
	return nil
}

// writeKeys writes the files of the keys of the start, which end with the mock.
func (m *localMock) writeKeys(dir string) error {
	if dir == "" {
		return nil
	}
	full, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(full, 0o700)
	}
	if err != nil {
		return fmt.Errorf("key files: %w", err)
	}
	m.keys.dir = full
	for _, i := range m.issued {
		path := m.keys.path(i)
		if path == "" {
			continue
		}
		if err := m.keys.begin(i); err != nil {
			return err
		}
		m.cleanup = append(m.cleanup, func() { _ = os.Remove(path) }) // a key of a mock that has ended
	}
	return nil
}

// unfinished says what a scenario did not come to, "" if it is over.
func (m *localMock) unfinished() string {
	p := m.srv.Playing()
	if p == nil {
		return ""
	}
	st := p.Status()
	if len(st.Next) == 0 {
		return ""
	}
	next := st.Next[0]
	what := strconv.Itoa(len(st.Done)) + " of its steps"
	return fmt.Sprintf("the command ended before the scenario %s, which did %s; the next was %s, due %s later; --speed makes it faster", st.Name, what, next.Does, mockserver.Duration(next.At.Sub(st.Now).Round(1e6)))
}
