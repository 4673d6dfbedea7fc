package unity

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestOneDoor reads the source: only Do makes attempts, only attempts (and the probe, which has no token) make exchanges,
// and only an exchange touches the HTTP client.
func TestOneDoor(t *testing.T) {
	allowed := map[string][]string{"attempt": {"Do"}, "exchange": {"attempt", "Probe"}, "http": {"exchange", "New"}}
	used := map[string]bool{}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ".go") || strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(fn, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "c" && allowed[sel.Sel.Name] != nil {
					used[sel.Sel.Name] = true
					if !slices.Contains(allowed[sel.Sel.Name], fn.Name.Name) {
						t.Errorf("%s: %s uses %s", file.Name(), fn.Name.Name, sel.Sel.Name)
					}
				}
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "http" && slices.Contains([]string{"Get", "Post", "PostForm", "Head", "DefaultClient"}, sel.Sel.Name) {
					t.Errorf("%s: %s uses http.%s", file.Name(), fn.Name.Name, sel.Sel.Name)
				}
				return true
			})
		}
	}
	if len(used) != len(allowed) {
		t.Errorf("only %v were found: this test looks for names that are gone", used)
	}
}
