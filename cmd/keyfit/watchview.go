package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/replica"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/rotate"
	"github.com/keyfit/keyfit/cmd/keyfit/internal/vendors"
)

// watchEvent is a line of watch --json. It holds fingerprints and no key.
type watchEvent struct {
	Event       string    `json:"event"`
	Time        time.Time `json:"time"`
	Replica     string    `json:"replica,omitempty"`
	Provider    string    `json:"provider,omitempty"`
	Generation  uint64    `json:"generation,omitempty"`
	Current     string    `json:"current,omitempty"`
	Previous    string    `json:"previous,omitempty"`
	Staged      string    `json:"staged,omitempty"`
	InFlight    int       `json:"inFlight,omitempty"`   // with the current and the previous key
	LastUsed    time.Time `json:"lastUsed,omitzero"`    // of the current key
	OldLastUsed time.Time `json:"oldLastUsed,omitzero"` // of the previous key
	Released    *bool     `json:"released,omitempty"`   // the replica stands in nobody's way
	Old         []string  `json:"old,omitempty"`        // the keys that are safe to revoke
	Replicas    int       `json:"replicas,omitempty"`   // how many answered
	Text        string    `json:"text"`
}

// watchView shows what the replicas answer: with --json an event a line, at a terminal a table that
// is drawn again, elsewhere a line for each change, and with --once a table.
type watchView struct {
	*cli.Terminal
	tty   *os.File // the output, if it is a terminal and the table is for a person
	once  bool
	drawn int               // the lines of the last table
	last  map[string]string // what was written, by row
}

func newWatchView(t *cli.Terminal, once bool) *watchView {
	v := &watchView{Terminal: t, once: once, last: map[string]string{}}
	if file, ok := cli.Raw(t.Out).(*os.File); ok && !t.JSON && !once && term.IsTerminal(int(file.Fd())) {
		v.tty = file
	}
	return v
}

// show shows a round.
func (v *watchView) show(round *replica.Verdict) {
	switch {
	case v.tty != nil:
		v.draw(round)
	case v.once && !v.JSON:
		watchTable(v.Out, round.Rows)
	default:
		v.changes(round)
	}
}

// changes writes the rows that are not as they were.
func (v *watchView) changes(round *replica.Verdict) {
	for i := range round.Rows {
		r := &round.Rows[i]
		e := watchEventOf(r)
		id := r.Replica + " " + r.Provider + " " + strconv.Itoa(i)
		same := *e
		same.LastUsed, same.OldLastUsed, same.InFlight, same.Released = time.Time{}, time.Time{}, 0, nil // the times change always
		if text := fmt.Sprint(same, *e.Released); v.last[id] != text {
			v.last[id] = text
			v.write(e)
		}
	}
}

// write writes an event as JSON, or its text as a line.
func (v *watchView) write(e *watchEvent) {
	e.Time = time.Now().UTC()
	if !v.JSON {
		_, _ = fmt.Fprintf(v.Out, "%s  %s: %s\n", e.Time.Format("15:04:05Z"), e.Replica, cli.Line(e.Text))
		return
	}
	enc := json.NewEncoder(v.Out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(e) //nolint:errchkjson // strings, numbers and times of this century; a reader that has gone needs no report
}

func watchEventOf(r *replica.Row) *watchEvent {
	e := &watchEvent{Event: "replica", Replica: r.Replica, Provider: cli.Hidden(r.Provider), Released: &r.Safe, Text: r.State}
	s := r.Status
	if s == nil {
		return e
	}
	e.Generation, e.Current, e.LastUsed, e.InFlight = s.Current.Generation, replica.SafeFingerprint(s.Current.Fingerprint), s.Current.LastUsed, s.Current.InFlight
	e.Text = fmt.Sprintf("generation %d, %s is current; %s", e.Generation, e.Current, r.State)
	if p := s.Previous; p != nil {
		e.Previous, e.OldLastUsed = replica.SafeFingerprint(p.Fingerprint), p.LastUsed
		e.InFlight += p.InFlight
	}
	if s.Staged != nil {
		e.Staged = replica.SafeFingerprint(s.Staged.Fingerprint)
	}
	return e
}

// watchTable writes the rows as a table.
func watchTable(w io.Writer, found []replica.Row) {
	rows := make([][]string, 0, len(found))
	for i := range found {
		e := watchEventOf(&found[i])
		generation, inFlight := "", ""
		if found[i].Status != nil {
			generation, inFlight = strconv.FormatUint(e.Generation, 10), strconv.Itoa(e.InFlight)
		}
		rows = append(rows, []string{e.Replica, e.Provider, generation, e.Current, cli.Time(e.LastUsed), e.Previous, cli.Time(e.OldLastUsed), inFlight, found[i].State})
	}
	cli.Table(w, "replica\tprovider\tgeneration\tcurrent\tlast used\tprevious\tlast used\tin flight\tstate", rows)
}

// draw replaces the last table. What does not fit on the screen is left out, from the rows that
// stand in nobody's way.
func (v *watchView) draw(round *replica.Verdict) {
	width, height, err := term.GetSize(int(v.tty.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		width, height = 80, 24
	}
	rows := slices.Clone(round.Rows)
	const around = 4 // the head, the line below, the cursor's, and one more
	if most := max(height-around, 1); len(rows) > most {
		slices.SortStableFunc(rows, func(a, b replica.Row) int {
			switch {
			case a.Safe == b.Safe:
				return 0
			case b.Safe:
				return -1
			}
			return 1
		})
		rows = rows[:most]
	}
	var table bytes.Buffer
	watchTable(&table, rows)
	if left := len(round.Rows) - len(rows); left > 0 {
		_, _ = fmt.Fprintf(&table, "and %d more\n", left)
	}
	_, _ = fmt.Fprintf(&table, "%s  %s\n", time.Now().UTC().Format("15:04:05Z"), waitingLine(round))
	var screen strings.Builder
	if v.drawn > 0 {
		fmt.Fprintf(&screen, "\x1b[%dA\r\x1b[J", v.drawn) // up to the first line, and clear what is below
	}
	v.drawn = 0
	for line := range strings.Lines(table.String()) {
		text := []rune(cli.Line(strings.TrimRight(line, "\n")))
		if len(text) >= width { // a line that wraps would take two
			text = append(text[:width-2], '…')
		}
		screen.WriteString(string(text) + "\n")
		v.drawn++
	}
	_, _ = io.WriteString(cli.Raw(v.Out), screen.String())
}

func waitingLine(round *replica.Verdict) string {
	if round.Safe {
		return "safe"
	}
	return "waiting: " + round.Waiting
}

// safe is the end of a watch that ended well.
func (v *watchView) safe(round *replica.Verdict) {
	e := &watchEvent{Event: "safe", Old: round.Old, Replicas: round.Replicas, Text: safeText(round)}
	if v.JSON {
		v.write(e)
		return
	}
	if v.tty == nil && !v.once {
		watchTable(v.Out, round.Rows)
	}
	_, _ = fmt.Fprintf(v.Out, "✓ %s\n", cli.Line(e.Text))
	if len(round.Old) == 0 {
		return
	}
	var told []string
	for i := range round.Rows {
		vendor, ok := vendors.Find(round.Rows[i].Provider)
		if ok && !slices.Contains(told, vendor.Name) {
			told = append(told, vendor.Name)
			_, _ = fmt.Fprintf(v.Out, "→ revoke at %s: %s\n", vendor.Name, rotate.Revocation(vendor.Name))
		}
	}
}

func safeText(round *replica.Verdict) string {
	all := fmt.Sprintf("all %d replicas have", round.Replicas)
	if round.Replicas == 1 {
		all = "the replica has"
	}
	if len(round.Old) == 0 && round.Named {
		return all + " the new key and no other: there is nothing to revoke"
	}
	if len(round.Old) == 0 {
		return all + " the same key and no other; after a rotation, name the old one with --old"
	}
	return all + " released " + strings.Join(round.Old, ", ") + ": safe to revoke"
}

// failed reports an error to a program; a person reads it as the program's last line.
func (v *watchView) failed(err error) error {
	if v.JSON {
		v.write(&watchEvent{Event: "failed", Text: err.Error()})
	}
	return err
}
