package mockserver

// Counts are exact numbers over everything that ever matched, whatever the
// journal has evicted. Pending requests count too.
type Counts struct {
	Total     int             `json:"total"`
	ByOutcome map[Outcome]int `json:"byOutcome"`
	// Folded is how many further requests may match: beyond 10,000 different
	// combinations of path, key and outcome, and for paths longer than 1 KiB,
	// requests are counted without path and key; and requests that the journal has
	// evicted, when the match asks for a query, a header or the body.
	Folded int `json:"folded,omitempty"`
}

const (
	maxCells      = 10_000
	maxCellPath   = 1 << 10
	maxCellMethod = 32
)

// counters counts exchanges by what a Match can select. The number of cells and
// the length of their names are bounded, so a client that sends ever new paths
// and methods cannot exhaust the memory.
type counters struct {
	cells    map[facts]*cell
	folded   map[facts]*cell // without path and key, some without method
	maxCells int
}

// cell is one counter. A key keeps a pointer to that of its last exchange, because the next
// one usually counts there too.
type cell struct {
	n      int
	resets int   // of the journal, when it was made
	facts  facts // of all that it counts
	folded *cell // the cell that counts instead, once there are too many; nil is this one
}

// counts reports whether an exchange of f belongs to the cell; false for nil.
func (c *cell) counts(f *facts, resets int) bool {
	return c != nil && c.resets == resets && c.facts == *f
}

// add counts one exchange.
func (c *cell) add() {
	if c.folded != nil {
		c = c.folded
	}
	c.n++
}

func newCounters() counters { return counters{cells: make(map[facts]*cell), maxCells: maxCells} }

// cellOf returns the counter of such exchanges. That of decided exchanges is
// never removed, so a caller may keep the pointer.
func (cs *counters) cellOf(f facts, resets int) *cell {
	if c := cs.cells[f]; c != nil {
		return c
	}
	if len(cs.cells) < cs.maxCells && len(f.path) <= maxCellPath && len(f.method) <= maxCellMethod {
		c := &cell{facts: f, resets: resets}
		cs.cells[f] = c
		return c
	}
	return &cell{facts: f, resets: resets, folded: cs.fold(f)}
}

// drop removes one pending exchange from the counts.
func (cs *counters) drop(f facts) {
	c := cs.cells[f]
	if c == nil {
		cs.fold(f).n--
		return
	}
	c.n--
	if c.n == 0 {
		delete(cs.cells, f)
	}
}

func (cs *counters) fold(f facts) *cell {
	f.path, f.keyID = "", ""
	if cs.folded == nil {
		cs.folded = make(map[facts]*cell)
	}
	c := cs.folded[f]
	if c == nil && (len(cs.folded) >= cs.maxCells || len(f.method) > maxCellMethod) {
		f.method = ""
		c = cs.folded[f]
	}
	if c == nil {
		c = &cell{facts: f}
		cs.folded[f] = c
	}
	return c
}

// of adds up the cells that match.
func (cs *counters) of(m Match) Counts {
	sum := Counts{ByOutcome: make(map[Outcome]int)}
	for f, c := range cs.cells {
		if m.exchange(&f) {
			sum.Total += c.n
			sum.ByOutcome[f.outcome] += c.n
		}
	}
	for f, c := range cs.folded {
		coarse := m
		coarse.Path, coarse.KeyID = "", ""
		if f.method == "" {
			coarse.Method = ""
		}
		switch {
		case c.n == 0 || !coarse.exchange(&f):
		case m.Path == "" && m.KeyID == "" && (m.Method == "" || f.method != ""):
			sum.Total += c.n
			sum.ByOutcome[f.outcome] += c.n
		default:
			sum.Folded += c.n
		}
	}
	return sum
}
