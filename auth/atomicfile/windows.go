//go:build windows

package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// NoFollow has no counterpart here; symbolic links need a privilege to make.
const NoFollow = 0

const nonBlock = 0

func isLoop(error) bool { return false }

// checkOwner relies on the access list that a profile folder hands down.
func checkOwner(string, fs.FileInfo, bool) error { return nil }

func loose(fs.FileInfo) bool { return false }

func write(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"*")
	if err != nil {
		return err
	}
	temp := f.Name()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = replace(temp, path)
	}
	if err != nil {
		_ = os.Remove(temp)
	}
	return err
}

// replace renames over an existing file and returns when the disk has it.
func replace(from, to string) error {
	src, err := windows.UTF16PtrFromString(from)
	if err != nil {
		return err
	}
	dst, err := windows.UTF16PtrFromString(to)
	if err != nil {
		return err
	}
	return windows.MoveFileEx(src, dst, windows.MOVEFILE_REPLACE_EXISTING|windows.MOVEFILE_WRITE_THROUGH)
}

// syncDir has no counterpart: MOVEFILE_WRITE_THROUGH has already waited.
func syncDir(string) error { return nil }
