package mockserver

// after copies out the exchanges with an ID above id, oldest first, and a
// channel that closes when something is added or decided. oldest is the ID of
// the oldest that the journal still holds, 0 if it holds none.
func (j *journal) after(id uint64) (out []Exchange, next <-chan struct{}, oldest uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range j.n {
		e := j.ring[(j.head+i)%len(j.ring)]
		if i == 0 {
			oldest = e.id
		}
		if e.id > id {
			out = append(out, e.exchange())
		}
	}
	if len(j.waiters) == 0 {
		j.waiters = append(j.waiters, make(chan struct{}))
	}
	return out, j.waiters[0], oldest // all waiters wake together: one channel does for every follower
}

// last is the ID of the newest exchange, kept or not.
func (j *journal) last() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.seq
}

// follower reads a journal as it grows. A pending exchange comes once when it
// arrives and once when it is decided.
type follower struct {
	j      *journal
	floor  uint64 // everything up to here was given
	given  map[uint64]Outcome
	missed uint64 // evicted before they could be given
}

func newFollower(j *journal, from uint64) *follower {
	return &follower{j: j, floor: from, given: make(map[uint64]Outcome)}
}

// next returns what is new, and a channel that closes when there is more.
func (f *follower) next() ([]Exchange, <-chan struct{}) {
	all, more, oldest := f.j.after(f.floor)
	f.missed = 0
	if oldest > f.floor+1 && f.floor > 0 && len(f.given) == 0 {
		f.missed = oldest - f.floor - 1
	}
	var fresh []Exchange
	pending := false
	for _, x := range all {
		if was, ok := f.given[x.ID]; !ok || was != x.Outcome {
			fresh = append(fresh, x)
		}
		pending = pending || x.Outcome == Pending
		if pending {
			f.given[x.ID] = x.Outcome
			continue
		}
		f.floor = x.ID
	}
	for id := range f.given {
		if id <= f.floor || id < oldest {
			delete(f.given, id)
		}
	}
	return fresh, more
}
