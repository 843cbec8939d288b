package mockserver

// after returns copies of the exchanges with an ID above id, oldest first, and a
// channel that closes when an exchange is added or decided. oldest is the ID of
// the oldest exchange in the journal, 0 if it is empty.
func (j *journal) after(id uint64) (out []Exchange, next <-chan struct{}, oldest uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.n > 0 {
		oldest = j.ring[j.head].id
	}
	for i := j.above(id, oldest); i < j.n; i++ {
		out = append(out, j.ring[(j.head+i)%len(j.ring)].exchange())
	}
	if len(j.waiters) == 0 {
		j.waiters = append(j.waiters, make(chan struct{}))
	}
	return out, j.waiters[0], oldest // all waiters wake together: followers can share a channel
}

// above returns the place of the first entry with an ID above id; the IDs of entries
// follow each other. The caller holds j.mu.
func (j *journal) above(id, oldest uint64) int {
	if j.n == 0 || id < oldest {
		return 0
	}
	return int(min(id-oldest+1, uint64(j.n))) //nolint:gosec // at most the number of entries
}

// last returns the ID of the newest exchange, evicted or not.
func (j *journal) last() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.seq
}

// follower reads a journal as it grows. It returns a pending exchange when it
// arrives and again when it is decided.
type follower struct {
	j        *journal
	floor    uint64 // every exchange up to this ID was returned
	returned map[uint64]Outcome
	missed   uint64 // evicted before they could be returned
}

func newFollower(j *journal, from uint64) *follower {
	return &follower{j: j, floor: from, returned: make(map[uint64]Outcome)}
}

// next returns the new exchanges, and a channel that closes when there are more.
func (fl *follower) next() ([]Exchange, <-chan struct{}) {
	all, more, oldest := fl.j.after(fl.floor)
	fl.missed = 0
	if oldest > fl.floor+1 && fl.floor > 0 && len(fl.returned) == 0 {
		fl.missed = oldest - fl.floor - 1
	}
	var fresh []Exchange
	pending := false
	for _, x := range all {
		if was, ok := fl.returned[x.ID]; !ok || was != x.Outcome {
			fresh = append(fresh, x)
		}
		pending = pending || x.Outcome == Pending
		if pending {
			fl.returned[x.ID] = x.Outcome
			continue
		}
		fl.floor = x.ID
	}
	for id := range fl.returned {
		if id <= fl.floor || id < oldest {
			delete(fl.returned, id)
		}
	}
	return fresh, more
}
