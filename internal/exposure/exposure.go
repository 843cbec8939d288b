// Package exposure finds out who else can read a file that holds a key: other users of the
// machine, by the bits of its mode, and everybody who gets the repository, if git tracks it.
//
// Nothing here runs git. The index of a repository is read as gitformat-index(5) describes it,
// in versions 2 to 4, entry by entry and only as far as the file's name could stand; what
// cannot be read counts as not tracked. On systems without the bits of unix only git is looked
// at.
//
// The functions keep no state and are safe for concurrent use.
package exposure

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// Of returns a sentence for each way in which others can read a file; none if the file does
// not exist. The sentences hold the path, and nothing of the content. Symbolic links are
// followed, because what others can read is the file.
func Of(path string) []string {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil
	}
	if target, err = filepath.Abs(target); err != nil {
		return nil
	}
	var found []string
	if s := ofMode(path, target); s != "" {
		found = append(found, s)
	}
	if tree, ok := trackedIn(target); ok {
		found = append(found, fmt.Sprintf("%s is tracked by git in %s: take it out with git rm --cached and have the key replaced, because it stays in the history", path, tree))
	}
	return found
}

// ofMode reports the bits of the mode that let others read or change a file.
func ofMode(path, target string) string {
	if runtime.GOOS == "windows" || runtime.GOOS == "plan9" {
		return ""
	}
	info, err := os.Stat(target)
	if err != nil || !info.Mode().IsRegular() {
		return ""
	}
	mode := info.Mode().Perm()
	const read, write = 0o044, 0o022
	var can string
	switch {
	case mode&read != 0:
		can = "read"
	case mode&write != 0:
		can = "changed"
	default:
		return ""
	}
	who := "everybody on this machine"
	if mode&0o006 == 0 {
		who = "its group"
	}
	return fmt.Sprintf("%s can be %s by %s (mode %04o): chmod 600 makes it the owner's alone", path, can, who, mode)
}
