package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tree writes a small module and returns its folder.
func tree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":    "module example.com/m\n\ngo 1.26\n",
		"m.go":      "package m\n\nfunc add(a, b int) int {\n\treturn a + b\n}\n\nfunc same(a int) int { return a }\n",
		"m_test.go": "package m\n\nimport \"testing\"\n\nfunc TestAdd(t *testing.T) {\n\tif add(2, 3) != 5 {\n\t\tt.Fatal()\n\t}\n}\n\nfunc TestRed(t *testing.T) { t.Fatal() }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestVerdicts(t *testing.T) {
	const sum = "file: m.go\nold: \treturn a + b\n"
	for name, c := range map[string]struct{ block, want string }{
		"killed":        {sum + "new: \treturn a - b\npackage: .\ntest: ^TestAdd$", ""},
		"many lines":    {"file: m.go\nold: \treturn a + b\nold: }\nnew: \treturn 0\nnew: }\npackage: .\ntest: ^TestAdd$", ""},
		"survivor":      {"file: m.go\nold: return a }\nnew: return -a }\npackage: .\ntest: ^TestAdd$", "SURVIVED"},
		"missing text":  {"file: m.go\nold: nowhere\nnew: x\npackage: .\ntest: ^TestAdd$", "stands 0 times"},
		"doubled text":  {"file: m.go\nold: return a\nnew: x\npackage: .\ntest: ^TestAdd$", "stands 2 times"},
		"no such test":  {sum + "new: \treturn 0\npackage: .\ntest: ^TestNone$", "matches"},
		"red before":    {sum + "new: \treturn 0\npackage: .\ntest: ^TestRed$", "without the mutant"},
		"not compiling": {sum + "new: \treturn c\npackage: .\ntest: ^TestAdd$", "does not compile"},
		"no such file":  {"file: n.go\nold: x\nnew: y\npackage: .\ntest: ^TestAdd$", "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t)
			table := filepath.Join(t.TempDir(), "table")
			if err := os.WriteFile(table, []byte("# words\n\nmutant: m\n"+c.block+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			before, err := os.ReadFile(filepath.Join(dir, "m.go"))
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			err = run(t.Context(), &out, dir, table, "", time.Minute)
			if (err == nil) != (c.want == "") || !strings.Contains(out.String(), c.want) {
				t.Errorf("error %v, output %s, want %q", err, out.String(), c.want)
			}
			if after, err := os.ReadFile(filepath.Join(dir, "m.go")); err != nil || string(after) != string(before) {
				t.Errorf("the tree was touched: %v\n%s", err, after)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	const rest = "\npackage: .\ntest: T"
	for _, text := range []string{
		"mutant: a\nfile: f\nold: x" + rest, "mutant: a\nfile: f\nold: x\nnew: x" + rest, "mutant: a\nfile: ../f\nold: x\nnew: y" + rest,
		"mutant a", "colour: red", "mutant: a\nfile: f\nold: x\nnew: y" + rest + "\n\nmutant: a\nfile: f\nold: x\nnew: z" + rest,
	} {
		if list, err := parse(text); err == nil {
			t.Errorf("%q gave %v", text, list)
		}
	}
}
