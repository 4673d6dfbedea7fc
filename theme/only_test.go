package theme

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// makers are the functions of lipgloss that make a style or a colour.
func makers() []string {
	return []string{"NewStyle", "Color", "ANSIColor", "RGBColor", "LightDark", "Complete", "NoColor"}
}

// TestOnlyThisPackageMakesStyles reads the source of the whole module: a colour chosen anywhere else would escape the
// contrast checks, the themes and NO_COLOR.
func TestOnlyThisPackageMakesStyles(t *testing.T) {
	files := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); path != ".." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "theme" || name == "vendor") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		files++
		for _, use := range uses(t, path) {
			t.Errorf("%s: use a theme.Tone instead of %s", path, use)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 5 {
		t.Fatalf("only %d files were read: this test looks in the wrong place", files)
	}
}

// uses returns where a file makes styles or colours.
func uses(t *testing.T, path string) []string {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Logf("%s cannot be read, the compiler will say so: %v", path, err)
		return nil
	}
	return makersUsed(fset, file)
}

func makersUsed(fset *token.FileSet, file *ast.File) []string {
	var names []string
	for _, spec := range file.Imports {
		if strings.Trim(spec.Path.Value, `"`) != "charm.land/lipgloss/v2" {
			continue
		}
		if spec.Name != nil {
			names = append(names, spec.Name.Name)
		} else {
			names = append(names, "lipgloss")
		}
	}
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if pkg, ok := sel.X.(*ast.Ident); ok && slices.Contains(names, pkg.Name) && slices.Contains(makers(), sel.Sel.Name) {
			found = append(found, fset.Position(sel.Pos()).String()+" "+pkg.Name+"."+sel.Sel.Name)
		}
		return true
	})
	return found
}

func TestTheSearchFindsWhatItLooksFor(t *testing.T) {
	const src = `package x
import lg "charm.land/lipgloss/v2"
var s = lg.NewStyle().Foreground(lg.Color("1"))
var w = lg.Width("fine")`
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "x.go", src, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	if found := makersUsed(fset, file); len(found) != 2 {
		t.Fatalf("found %v", found)
	}
}
