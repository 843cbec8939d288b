//go:build unix

package keyplaces

import (
	"fmt"
	"os"
)

// mode returns the permissions of a file, such as 0600; "" if there is none.
func mode(path string) string {
	info, err := os.Stat(path)
	if path == "" || err != nil {
		return ""
	}
	return fmt.Sprintf("%04o", info.Mode().Perm())
}
