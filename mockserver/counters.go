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
	cells    map[facts]*int
	folded   map[facts]*int // without path and key, some without method
	maxCells int
}

func newCounters() counters { return counters{cells: make(map[facts]*int), maxCells: maxCells} }

// cellOf returns the counter of such exchanges. That of decided exchanges is
// never removed, so a caller may keep the pointer.
func (cs *counters) cellOf(f facts) *int {
	if n := cs.cells[f]; n != nil {
		return n
	}
	if len(cs.cells) < cs.maxCells && len(f.path) <= maxCellPath && len(f.method) <= maxCellMethod {
		n := new(int)
		cs.cells[f] = n
		return n
	}
	return cs.fold(f)
}

// drop removes one pending exchange from the counts.
func (cs *counters) drop(f facts) {
	n := cs.cells[f]
	if n == nil {
		*cs.fold(f)--
		return
	}
	*n--
	if *n == 0 {
		delete(cs.cells, f)
	}
}

func (cs *counters) fold(f facts) *int {
	f.path, f.keyID = "", ""
	if cs.folded == nil {
		cs.folded = make(map[facts]*int)
	}
	cell := cs.folded[f]
	if cell == nil && (len(cs.folded) >= cs.maxCells || len(f.method) > maxCellMethod) {
		f.method = ""
		cell = cs.folded[f]
	}
	if cell == nil {
		cell = new(int)
		cs.folded[f] = cell
	}
	return cell
}

// of adds up the cells that match.
func (cs *counters) of(m Match) Counts {
	sum := Counts{ByOutcome: make(map[Outcome]int)}
	for f, n := range cs.cells {
		if m.exchange(&f) {
			sum.Total += *n
			sum.ByOutcome[f.outcome] += *n
		}
	}
	for f, n := range cs.folded {
		coarse := m
		coarse.Path, coarse.KeyID = "", ""
		if f.method == "" {
			coarse.Method = ""
		}
		switch {
		case *n == 0 || !coarse.exchange(&f):
		case m.Path == "" && m.KeyID == "" && (m.Method == "" || f.method != ""):
			sum.Total += *n
			sum.ByOutcome[f.outcome] += *n
		default:
			sum.Folded += *n
		}
	}
	return sum
}
