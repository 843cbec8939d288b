//go:build unix

package keyfit_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A named pipe in the place of the file, which nobody writes, must not hold up the ring for
// good: once the file is back, it is seen.
func TestAPipeInPlaceOfTheFileDoesNotBlindTheRing(t *testing.T) {
	t.Parallel()
	for kindName, kind := range watchKinds {
		t.Run(kindName, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), kind.name)
			watchDo(t, os.WriteFile(path, []byte(kind.content("pipe-old")), 0o600))
			ring, _ := newRing(t, kind.source(path))
			watchDo(t, os.Remove(path))
			watchDo(t, syscall.Mkfifo(path, 0o600))
			// Who waits for a writer ends by a timeout, the ring's, the file's or this one.
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if _, err := ring.Reload(ctx); err == nil || os.IsTimeout(err) || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("want an error at once, got %v", err)
			}
			watchDo(t, os.WriteFile(path+".tmp", []byte(kind.content("pipe-new")), 0o600))
			watchDo(t, os.Rename(path+".tmp", path))
			if changed, err := ring.Reload(ctx); !changed || err != nil || currentKey(t, ring) != "pipe-new" {
				t.Errorf("want the new key, got %q, %v", currentKey(t, ring), err)
			}
		})
	}
}
