package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// rotateEvent is a line of --json. It holds fingerprints and no key.
type rotateEvent struct {
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
	Current     string    `json:"current,omitempty"` // fingerprint that the service uses
	InFlight    int       `json:"inFlight,omitempty"`
	LastUsed    time.Time `json:"lastUsed,omitzero"` // of the old key
	Safe        *bool     `json:"safe,omitempty"`
	Changed     *bool     `json:"changed,omitempty"`
	Text        string    `json:"text"`
}

// rotateTeller tells of the steps: as lines for a person, of which the last is drawn anew
// on a terminal while there is something to watch, or as events.
type rotateTeller struct {
	*app
	terminal bool
	drawn    bool              // a live line stands there
	said     map[string]string // by what is watched: what was last told of it
}

func newRotateTeller(a *app) *rotateTeller {
	file, ok := a.out.(*os.File)
	return &rotateTeller{app: a, terminal: ok && term.IsTerminal(fileDescriptor(file)), said: make(map[string]string)}
}

// tell writes an event, for machines alone.
func (t *rotateTeller) tell(e *rotateEvent, title, text string) {
	if !t.json {
		return
	}
	e.Time = time.Now().UTC()
	if e.Text == "" {
		e.Text = title + ": " + text
	}
	enc := json.NewEncoder(t.out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(e) //nolint:errchkjson // strings, numbers and present times; whoever does not read us any more need not be told
}

func (t *rotateTeller) line(mark, title, text string) {
	if t.json {
		return
	}
	if t.drawn {
		_, _ = io.WriteString(t.out, "\r\x1b[K")
		t.drawn = false
	}
	if title != "" {
		title = fmt.Sprintf("%-11s ", title)
	}
	_, _ = fmt.Fprintf(t.out, "%s %s%s\n", mark, title, printable(text))
}

// step is something done.
func (t *rotateTeller) step(e *rotateEvent, title, text string) {
	t.tell(e, title, text)
	t.line("✓", title, text)
}

// warn is something to know.
func (t *rotateTeller) warn(e *rotateEvent, text string) {
	e.Text = text
	t.tell(e, "", "")
	t.line("!", "", text)
}

// advise says what to do with the old key.
func (t *rotateTeller) advise(old, how string) {
	t.tell(&rotateEvent{Event: "advice", Fingerprint: old, Text: how}, "", "")
	t.line("→", "revoke", how)
}

func (t *rotateTeller) done(text string) {
	changed := true
	t.tell(&rotateEvent{Event: "done", Changed: &changed, Text: text}, "", "")
}

// failed is the last event; for people the error itself is told at the end of the program.
func (t *rotateTeller) failed(err error, changed bool) {
	t.tell(&rotateEvent{Event: "failed", Changed: &changed, Text: err.Error()}, "", "")
	if t.drawn && !t.json {
		_, _ = io.WriteString(t.out, "\n")
	}
}

// watched tells how what is waited for stands: on a terminal as one live line, elsewhere
// when it has changed.
func (t *rotateTeller) watched(e *rotateEvent, what, text string) {
	if t.terminal && !t.json {
		line := []rune(printable(what + ": " + text))
		if width, _, err := term.GetSize(fileDescriptor(t.out.(*os.File))); err == nil && width > 4 && len(line) > width-4 { //nolint:errcheck,forcetypeassert // terminal says that it is one
			line = append(line[:width-5], '…')
		}
		_, _ = fmt.Fprintf(t.out, "\r\x1b[K… %s", string(line))
		t.drawn = true
		return
	}
	if t.said[what] == text {
		return
	}
	t.said[what] = text
	t.tell(e, what, text)
	t.line("…", "watching", what+": "+text)
}
