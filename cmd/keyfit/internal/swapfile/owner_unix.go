//go:build unix

package swapfile

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// keepOwner gives the new file the old one's owner and group. A file that its reader may
// no longer read, or that has a second name which would keep the old content, is refused.
func keepOwner(temp *os.File, old os.FileInfo) error {
	was, ok := old.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	if was.Nlink > 1 {
		return errors.New("the old file has other names (hard links) that would keep the old content")
	}
	info, err := temp.Stat()
	if err != nil {
		return err
	}
	if is, ok := info.Sys().(*syscall.Stat_t); ok && is.Uid == was.Uid && is.Gid == was.Gid {
		return nil
	}
	if err := temp.Chown(int(was.Uid), int(was.Gid)); err != nil {
		return fmt.Errorf("owner %d and group %d cannot be kept (%w): run this as that user", was.Uid, was.Gid, cause(err))
	}
	return nil
}
