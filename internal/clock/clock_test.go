package clock_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyfit/keyfit/internal/clock"
)

func TestAReadingIsNeverZeroAndIsATimeAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // time stands still
		began := time.Now()
		c := clock.Start()
		if got := c.Now(); got != 1 {
			t.Errorf("at the start the clock reads %d, want 1: 0 stands for no reading", got)
		}
		time.Sleep(time.Minute) //nolint:forbidigo // fake time
		read := c.Now()
		if diff := cmp.Diff(began.Add(time.Minute), c.Time(read)); diff != "" {
			t.Errorf("the time of a reading (-want +got):\n%s", diff)
		}
		if got := c.Reading(c.Time(read)); got != read {
			t.Errorf("the reading at its own time is %d, want %d", got, read)
		}
		if got := c.Reading(began.Add(-time.Second)); got >= 1 {
			t.Errorf("the reading before the start is %d, want below 1", got)
		}
		if none, zero := c.Time(0), c.Reading(time.Time{}); !none.IsZero() || zero != 0 {
			t.Errorf("no reading is %v, the zero time reads %v: want zeros", none, zero)
		}
	})
}

func TestTheLagTurnsReadingsOfOneClockIntoThoseOfAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		early := clock.Start()
		time.Sleep(time.Hour) //nolint:forbidigo // fake time
		late := clock.Start()
		time.Sleep(time.Minute) //nolint:forbidigo // fake time
		if got, want := early.Now()-late.Lag(early), late.Now(); got != want {
			t.Errorf("the later clock would read %v, want %v", got, want)
		}
		if got, want := late.Now()-early.Lag(late), early.Now(); got != want {
			t.Errorf("the earlier clock would read %v, want %v", got, want)
		}
	})
}

func TestTheLatestReadingIsNeverLost(t *testing.T) {
	t.Parallel()
	var latest clock.Latest
	if got := latest.Load(); got != 0 {
		t.Errorf("at first it is %v, want none", got)
	}
	var done sync.WaitGroup
	for i := range 8 {
		done.Go(func() {
			for reading := time.Duration(i); reading < 800; reading += 8 {
				latest.Observe(reading)
			}
		})
	}
	done.Wait()
	latest.Observe(5)
	if got := latest.Load(); got != 799 {
		t.Errorf("the latest of all is %v, want 799", got)
	}
}
