package cli

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/itchyny/gojq"

	"github.com/unitty/unitty/ui/table"
	"github.com/unitty/unitty/unity"
)

// printer prints rows in the form that was asked for. Rows may come one by one: ndjson streams.
type printer[T any] struct {
	app     *app
	columns []table.Column[T]
	json    func(*T) ([]byte, error)

	rows []*T
	n    int
	jq   *gojq.Code
	// choice is what --columns leaves of JSON, nil for all.
	choice *jsonChoice
}

func newPrinter[T any](a *app, columns []table.Column[T], toJSON func(*T) ([]byte, error)) (*printer[T], error) {
	p := &printer[T]{app: a, columns: columns, json: toJSON}
	if a.flags.jq != "" {
		code, err := compileJQ(a.flags.jq)
		if err != nil {
			return nil, err
		}
		p.jq = code
	}
	switch f := p.format(); {
	case f == "table":
		return p, p.choose()
	case f != "csv" && a.flags.columns != "":
		p.choice = newJSONChoice(a.flags.columns)
		p.json = func(row *T) ([]byte, error) {
			raw, err := toJSON(row)
			if err != nil {
				return nil, err
			}
			return p.choice.of(raw)
		}
	}
	return p, nil
}

// chosen names a column of --columns that no row has.
func (p *printer[T]) chosen() error {
	if p.choice == nil {
		return nil
	}
	return p.choice.check()
}

func (p *printer[T]) format() string {
	switch {
	case p.app.flags.output != "":
		return p.app.flags.output
	case p.app.flags.jq != "":
		return "json"
	default:
		return "table"
	}
}

// choose applies --columns to a table. Columns that were asked for are never dropped for want of room.
func (p *printer[T]) choose() error {
	if p.app.flags.columns == "" {
		var shown []table.Column[T]
		for _, c := range p.columns {
			if !c.Hidden {
				shown = append(shown, c)
			}
		}
		p.columns = shown
		return nil
	}
	var chosen []table.Column[T]
	var ids []string
	for _, c := range p.columns {
		ids = append(ids, c.ID)
	}
	for _, name := range strings.Split(p.app.flags.columns, ",") {
		found := false
		for _, c := range p.columns {
			if strings.EqualFold(c.ID, strings.TrimSpace(name)) {
				c.Priority = 0
				chosen, found = append(chosen, c), true
			}
		}
		if !found {
			return usagef("--columns: there is no column %q; there are %s", unity.Clean(name), strings.Join(ids, ","))
		}
	}
	p.columns = chosen
	return nil
}

// add takes a row; with ndjson it is printed at once.
func (p *printer[T]) add(row *T) error {
	p.n++
	if p.format() != "ndjson" {
		p.rows = append(p.rows, row)
		return nil
	}
	raw, err := p.json(row)
	if err != nil {
		return err
	}
	return p.app.printJSON(raw, p.jq)
}

// flush prints what was not printed yet.
func (p *printer[T]) flush() error {
	switch p.format() {
	case "ndjson":
		return p.chosen()
	case "json":
		raw, err := p.array()
		if err == nil {
			err = p.chosen()
		}
		if err != nil {
			return err
		}
		return p.app.printJSON(raw, p.jq)
	case "csv":
		return p.csv()
	default:
		return p.table()
	}
}

func (p *printer[T]) array() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('[')
	for i, row := range p.rows {
		raw, err := p.json(row)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteString(",\n ")
		}
		b.Write(raw)
	}
	b.WriteByte(']')
	return b.Bytes(), nil
}

// one prints a single object: JSON as an object, the rest as one row.
func (p *printer[T]) one(row *T) error {
	if f := p.format(); f == "json" || f == "ndjson" {
		raw, err := p.json(row)
		if err == nil {
			err = p.chosen()
		}
		if err != nil {
			return err
		}
		return p.app.printJSON(raw, p.jq)
	}
	if err := p.add(row); err != nil {
		return err
	}
	if p.format() == "table" && p.wide() {
		return p.upright()
	}
	return p.flush()
}

func compileJQ(expr string) (*gojq.Code, error) {
	q, err := gojq.Parse(expr)
	if err != nil {
		return nil, usagef("--jq: %v", err)
	}
	code, err := gojq.Compile(q)
	if err != nil {
		return nil, usagef("--jq: %v", err)
	}
	return code, nil
}

// printJSON writes a document on a line, through jq if that was asked for. Everything a terminal would obey is escaped.
func (a *app) printJSON(raw []byte, jq *gojq.Code) error {
	if jq == nil {
		_, err := fmt.Fprintf(a.out, "%s\n", escapeJSON(raw))
		return err
	}
	var doc any
	if err := json.Unmarshal(raw, &doc); err != nil {
		return fmt.Errorf("JSON: %w", err)
	}
	for iter := jq.Run(doc); ; {
		v, ok := iter.Next()
		if !ok {
			return nil
		}
		if err, ok := v.(error); ok {
			var halt *gojq.HaltError
			if errors.As(err, &halt) && halt.Value() == nil {
				return nil
			}
			return usagef("--jq: %v", err)
		}
		out, err := gojq.Marshal(v)
		if err != nil {
			return fmt.Errorf("--jq: %w", err)
		}
		if _, err := fmt.Fprintf(a.out, "%s\n", escapeJSON(out)); err != nil {
			return err
		}
	}
}

// escapeJSON writes characters that are harmless in JSON but not in a terminal (DEL, C1, bidi, zero width) as \u escapes.
// The document means the same.
func escapeJSON(raw []byte) []byte {
	clean := true
	for _, c := range raw {
		if c >= 0x7f {
			clean = false
			break
		}
	}
	if clean {
		return raw
	}
	var b bytes.Buffer
	for _, r := range string(raw) {
		if r < 0x7f || r == '\uFFFD' || unity.Clean(string(r)) == string(r) {
			b.WriteRune(r)
			continue
		}
		if r > 0xffff {
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+(r>>10), 0xdc00+(r&0x3ff))
			continue
		}
		fmt.Fprintf(&b, `\u%04x`, r)
	}
	return b.Bytes()
}

// csv writes the JSON names as header. Nested objects are flattened with dots, text is sanitised, formulas are defused.
func (p *printer[T]) csv() error {
	var header []string
	index := map[string]int{}
	var records []map[string]string
	for _, row := range p.rows {
		raw, err := p.json(row)
		if err != nil {
			return err
		}
		record := map[string]string{}
		err = flatten("", raw, func(name, value string) {
			if _, ok := index[name]; !ok {
				index[name] = len(header)
				header = append(header, name)
			}
			record[name] = value
		})
		if err != nil {
			return err
		}
		records = append(records, record)
	}
	if len(p.rows) == 0 {
		header = rowNames[T]()
	}
	header, err := p.csvColumns(header)
	if err != nil || len(header) == 0 {
		return err
	}
	w := csv.NewWriter(p.app.out)
	if err := w.Write(cells(header)); err != nil {
		return err
	}
	for _, r := range records {
		line := make([]string, len(header))
		for i, name := range header {
			line[i] = r[name]
		}
		if err := w.Write(cells(line)); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

func (p *printer[T]) csvColumns(header []string) ([]string, error) {
	if p.app.flags.columns == "" {
		return header, nil
	}
	var chosen []string
	for _, name := range strings.Split(p.app.flags.columns, ",") {
		found := ""
		for _, h := range header {
			if strings.EqualFold(h, strings.TrimSpace(name)) {
				found = h
			}
		}
		if found == "" && len(p.rows) > 0 {
			return nil, usagef("--columns: there is no column %q; there are %s", unity.Clean(name), strings.Join(header, ","))
		}
		chosen = append(chosen, firstOf(found, strings.TrimSpace(name)))
	}
	return chosen, nil
}

// cells makes values safe for a terminal and for a spreadsheet.
func cells(values []string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		v = unity.Clean(v)
		if v != "" && strings.ContainsRune("=+-@\t\r", rune(v[0])) && !plainNumber(v) {
			v = "'" + v
		}
		out[i] = v
	}
	return out
}

func plainNumber(s string) bool {
	return strings.Trim(s, "0123456789.-+") == "" && strings.ContainsAny(s, "0123456789") && strings.LastIndexAny(s, "-+") <= 0
}

func flatten(prefix string, raw []byte, put func(name, value string)) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		name := prefix + fmt.Sprint(tok)
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return err
		}
		switch v := bytes.TrimSpace(value); {
		case len(v) > 0 && v[0] == '{':
			if err := flatten(name+".", v, put); err != nil {
				return err
			}
		case len(v) > 0 && v[0] == '"':
			var s string
			if err := json.Unmarshal(v, &s); err != nil {
				return err
			}
			put(name, s)
		case bytes.Equal(v, []byte("null")):
			put(name, "")
		default:
			put(name, string(v))
		}
	}
	return nil
}
