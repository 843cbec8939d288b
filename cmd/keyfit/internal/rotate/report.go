package rotate

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/keyfit/keyfit/cmd/keyfit/internal/cli"
)

// Event is a line of --json. It holds fingerprints and no key.
type Event struct {
	Event       string    `json:"event"`
	Time        time.Time `json:"time"`
	Vendor      string    `json:"vendor,omitempty"`
	Fingerprint string    `json:"fingerprint,omitempty"`
	Previous    string    `json:"previous,omitempty"`
	Place       string    `json:"place,omitempty"`
	Lines       []int     `json:"lines,omitempty"`
	Try         int       `json:"try,omitempty"`
	Status      int       `json:"status,omitempty"`
	LatencyMS   float64   `json:"latencyMs,omitempty"`
	URL         string    `json:"url,omitempty"`
	Generation  uint64    `json:"generation,omitempty"`
	Current     string    `json:"current,omitempty"` // the fingerprint of the key that the service uses
	InFlight    int       `json:"inFlight,omitempty"`
	LastUsed    time.Time `json:"lastUsed,omitzero"` // of the old key
	Safe        *bool     `json:"safe,omitempty"`
	Changed     *bool     `json:"changed,omitempty"`
	Text        string    `json:"text"`
}

// reporter writes what happens: with --json an event a line, otherwise lines for a person. On
// a terminal the state of what is waited for is one line that is overwritten.
type reporter struct {
	*cli.Terminal
	tty  *os.File          // the output, if it is a terminal and the lines are for a person
	live bool              // the last line is to be overwritten
	last map[string]string // the last reported state, by what is watched
}

func newReporter(t *cli.Terminal) *reporter {
	r := &reporter{Terminal: t, last: make(map[string]string)}
	if file, ok := cli.Raw(t.Out).(*os.File); ok && !t.JSON && term.IsTerminal(int(file.Fd())) {
		r.tty = file
	}
	return r
}

// event writes an event, for a program alone.
func (rep *reporter) event(e *Event, title, text string) {
	if !rep.JSON {
		return
	}
	e.Time = time.Now().UTC()
	if e.Text == "" {
		e.Text = title + ": " + text
	}
	enc := json.NewEncoder(rep.Out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(e) //nolint:errchkjson // strings, numbers and times of this century; a reader that has gone needs no report
}

// line writes a line, for a person alone.
func (rep *reporter) line(mark, title, text string) {
	if rep.JSON {
		return
	}
	if rep.live {
		_, _ = io.WriteString(cli.Raw(rep.Out), "\r\x1b[K") // to the begin of the line, and clear it
		rep.live = false
	}
	if title != "" {
		title = fmt.Sprintf("%-11s ", title)
	}
	_, _ = fmt.Fprintf(rep.Out, "%s %s%s\n", mark, title, cli.Line(text))
}

// step reports that something is done.
func (rep *reporter) step(e *Event, title, text string) {
	rep.event(e, title, text)
	rep.line("✓", title, text)
}

// warn reports something that the person should know.
func (rep *reporter) warn(e *Event, text string) {
	e.Text = text
	rep.event(e, "", "")
	rep.line("!", "", text)
}

// advise reports how the old key is revoked.
func (rep *reporter) advise(old, how string) {
	rep.event(&Event{Event: "advice", Fingerprint: old, Text: how}, "", "")
	rep.line("→", "revoke", how)
}

// look reports where to look for the use of a key that leaked.
func (rep *reporter) look(old, where string) {
	rep.event(&Event{Event: "look", Fingerprint: old, Text: where}, "", "")
	rep.line("→", "look for", where)
}

// done is the last event of a rotation that succeeded.
func (rep *reporter) done(text string) {
	changed := true
	rep.event(&Event{Event: "done", Changed: &changed, Text: text}, "", "")
}

// failed is the last event of one that did not. For a person the program prints the error
// itself as its last line.
func (rep *reporter) failed(err error, changed bool) {
	rep.event(&Event{Event: "failed", Changed: &changed, Text: err.Error()}, "", "")
	if rep.live {
		_, _ = io.WriteString(rep.Out, "\n")
	}
}

// watching reports the state of what is waited for: on a terminal each time, elsewhere when it
// has changed.
func (rep *reporter) watching(e *Event, what, text string) {
	if rep.tty != nil {
		line := []rune(cli.Line(what + ": " + text))
		const margin = 4 // for the mark before the text, and for the cursor
		if width, _, err := term.GetSize(int(rep.tty.Fd())); err == nil && width > margin && len(line) > width-margin {
			line = append(line[:width-margin-1], '…')
		}
		_, _ = fmt.Fprintf(cli.Raw(rep.Out), "\r\x1b[K… %s", string(line))
		rep.live = true
		return
	}
	if rep.last[what] == text {
		return
	}
	rep.last[what] = text
	rep.event(e, what, text)
	rep.line("…", "watching", what+": "+text)
}
