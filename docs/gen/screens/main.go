// Screens draws the pictures of docs/screens: the real shell and the real views on the simulated console, with a fixed seed and
// a clock that stands still between keys, so that the same program always draws the same bytes.
//
//	go run ./docs/gen/screens docs/screens
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: screens FOLDER")
		os.Exit(2)
	}
	// The program shows the time of whoever looks; the pictures show one time to all.
	time.Local = time.UTC
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "screens:", err)
		os.Exit(1)
	}
}

// write draws all pictures and removes those that are drawn no more.
func write(dir string) error {
	pictures, err := draw()
	if err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(dir, "*.svg"))
	if err != nil {
		return err
	}
	for _, file := range old {
		if _, ok := pictures[filepath.Base(file)]; !ok {
			if err := os.Remove(file); err != nil {
				return err
			}
		}
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	for name, picture := range pictures {
		if err := os.WriteFile(filepath.Join(dir, name), picture, 0o600); err != nil {
			return err
		}
	}
	return nil
}
