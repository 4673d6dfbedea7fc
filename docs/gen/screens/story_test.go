package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(m.Run())
}

func TestPicturesAreTheSameEveryTime(t *testing.T) {
	first, err := draw()
	if err != nil {
		t.Fatal(err)
	}
	second, err := draw()
	if err != nil {
		t.Fatal(err)
	}
	if len(first) != len(shots()) {
		t.Errorf("%d pictures of %d", len(first), len(shots()))
	}
	for name, picture := range first {
		if !bytes.Equal(picture, second[name]) {
			t.Errorf("%s differs from one run to the next", name)
		}
		d := xml.NewDecoder(bytes.NewReader(picture))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Errorf("%s: %v", name, err)
				break
			}
		}
	}
}

func TestPicturesThatAreDrawnNoMoreAreRemoved(t *testing.T) {
	dir := t.TempDir()
	gone, kept := filepath.Join(dir, "gone.svg"), filepath.Join(dir, "notes.txt")
	for _, file := range []string{gone, kept} {
		if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := write(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(gone); !os.IsNotExist(err) {
		t.Errorf("gone.svg: %v", err)
	}
	for _, file := range []string{kept, filepath.Join(dir, "sites.svg")} {
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
}

func TestWideCharactersTakeTwoCells(t *testing.T) {
	s := emulate("\x1b[1;31m漢x\x1b[0m\nb", 6, 2)
	row := s.Cells[0]
	if row[0].Text != "漢" || row[0].Width != 2 || row[1].Width != 0 || row[2].Text != "x" || !row[2].Bold {
		t.Errorf("%+v", row[:3])
	}
	if s.Line(1) != "b" {
		t.Errorf("second line %q", s.Line(1))
	}
}
