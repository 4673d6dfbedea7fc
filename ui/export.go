package ui

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
)

// sheet is rows on their way into a file, frozen when the export was chosen.
type sheet struct {
	head []string
	rows [][]string
	raw  [][]byte
}

func (l *List[T, K]) exportMenu() overlay {
	marked := l.rows.Marks().Len() > 0
	items := []item{
		{id: "csv", title: "CSV of the shown rows", right: group(l.rows.Len())},
		{id: "json", title: "JSON of the shown rows", right: group(l.rows.Len())},
	}
	if marked {
		chosen, _, _, _ := l.rows.Chosen()
		n := group(len(chosen))
		items = append([]item{
			{id: "csv marked", title: "CSV of the marked rows", right: n},
			{id: "json marked", title: "JSON of the marked rows", right: n},
		}, items...)
	}
	return newPicker(l.e, "Export "+l.res.Title, items, func(it item) tea.Cmd {
		format, which, _ := strings.Cut(it.id, " ")
		return l.export(format, which == "marked")
	})
}

func (l *List[T, K]) export(format string, marked bool) tea.Cmd {
	var rows []*T
	if marked {
		rows, _, _, _ = l.rows.Chosen()
	} else {
		for row := range l.rows.Shown() {
			rows = append(rows, row)
		}
	}
	if l.e.cfg.ExportDir == "" {
		return Toast(Warn, "not exported: no folder is set for exports")
	}
	name := fmt.Sprintf("unitty-%s-%s.%s", l.res.Kind, fileTime(l.e.now()), format)
	dir := l.e.cfg.ExportDir
	// Rows are not changed after they were merged, so the cells can be written aside.
	return func() tea.Msg {
		path, err := writeExport(dir, name, format, l.sheet(rows))
		if err != nil {
			return failMsg{fmt.Errorf("export: %w", err)}
		}
		return toastMsg{level: Good, text: plural(len(rows), "row", "rows") + " written to " + atHome(path)}
	}
}

func (l *List[T, K]) sheet(rows []*T) sheet {
	var s sheet
	for _, c := range l.res.Columns {
		s.head = append(s.head, cmp.Or(c.DataTitle, c.Title))
	}
	for _, row := range rows {
		s.rows = append(s.rows, l.data(row))
		if l.res.Raw != nil {
			s.raw = append(s.raw, l.res.Raw(row))
		}
	}
	return s
}

// data are the cells of a row as files have them.
func (l *List[T, K]) data(row *T) []string {
	out := l.cells(row)
	for i := range l.res.Columns {
		if data := l.res.Columns[i].Data; data != nil {
			out[i] = data(row)
		}
	}
	return out
}

// writeExport writes a new private file and returns its path. A file that is already there is never touched.
func writeExport(dir, name, format string, s sheet) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	f, path, err := createNew(dir, name)
	if err != nil {
		return "", err
	}
	w := bufio.NewWriter(f)
	if format == "csv" {
		err = writeCSV(w, s)
	} else {
		err = writeJSON(w, s)
	}
	err = errors.Join(err, w.Flush(), f.Close())
	if err != nil {
		_ = os.Remove(path)
		return "", err
	}
	return path, nil
}

// createNew adds a number to the name until nothing of that name is there.
func createNew(dir, name string) (*os.File, string, error) {
	ext := filepath.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	for n := 1; ; n++ {
		path := filepath.Join(dir, name)
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			return f, path, nil
		}
		if !errors.Is(err, os.ErrExist) || n > 1000 {
			return nil, "", err
		}
		name = fmt.Sprintf("%s-%d%s", stem, n+1, ext)
	}
}

func writeCSV(w io.Writer, s sheet) error {
	c := csv.NewWriter(w)
	if err := c.Write(harmless(s.head)); err != nil {
		return err
	}
	for _, r := range s.rows {
		if err := c.Write(harmless(r)); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// harmless keeps spreadsheets from taking a cell for a formula: such a cell gets an apostrophe in front.
func harmless(cells []string) []string {
	out := make([]string, len(cells))
	for i, c := range cells {
		if c != "" && strings.ContainsRune("=+-@\t\r", rune(c[0])) {
			c = "'" + c
		}
		out[i] = c
	}
	return out
}

func writeJSON(w io.Writer, s sheet) error {
	if _, err := io.WriteString(w, "["); err != nil {
		return err
	}
	for i := range s.rows {
		sep := ",\n"
		if i == 0 {
			sep = "\n"
		}
		doc, err := s.object(i)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(w, sep+string(doc)); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "\n]\n")
	return err
}

// object is a row as JSON: as the API sent it when that is known and readable, else its cells under their titles.
func (s sheet) object(i int) ([]byte, error) {
	if i < len(s.raw) && json.Valid(s.raw[i]) {
		return s.raw[i], nil
	}
	m := make(map[string]string, len(s.head))
	for c, title := range s.head {
		m[title] = s.rows[i][c]
	}
	return json.Marshal(m)
}

// fileTime is the part of a file name that tells when it was made.
func fileTime(t time.Time) string { return t.Format("20060102-150405") }
