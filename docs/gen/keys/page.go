package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/views"
)

// section is a heading of the page with the scopes below it. The scope of an action is the first word of its id.
type section struct {
	title, intro string
	scopes       []string
	// risk adds the columns that matter for what is done to a console only.
	risk bool
}

func sections() []section {
	return []section{
		{"On endpoints", "On the marked machines, else on the one under the cursor, wherever endpoints are listed.", []string{"endpoint"}, true},
		{"On sites", "", []string{"site"}, true},
		{"In lists", "", []string{"table"}, false},
		{"Side by side", "Where two lists stand next to each other.", []string{"pane"}, false},
		{"Everywhere", "", []string{"app"}, false},
		{"Places", "These have no key; the palette (`:`) finds them, and `[keys]` can give them one.", []string{"go"}, false},
		{"While a filter is typed", "", []string{"filter"}, false},
		{"In the palette, in find and in choices", "", []string{"pick"}, false},
		{"In forms", "", []string{"form"}, false},
		{"When a change is asked about", "`line` is the one-line question in the footer, `dialog` the box.", []string{"line", "dialog"}, false},
		{"In the jobs panel", "", []string{"jobs"}, false},
		{"In the details of a problem", "", []string{"problem"}, false},
	}
}

const head = `# Keys

<!-- Written by docs/gen/keys; change the declarations in ui/ and views/, not this page. -->

Every action has an id. The table ` + "`[keys]`" + ` of the configuration replaces the keys of an action by its id; an empty list takes
them away, and two actions on one key where both can be reached are an error at the start:

` + "```toml" + `
[keys]
"endpoint.scan" = ["s", "f5"]
"app.suspend" = []
` + "```" + `

` + "`?`" + ` shows in the program which of these can be used at the moment, with the keys in force, and carries them
out; ` + "`unitty config --keys`" + ` prints them all.
`

// specs are all actions there are, in the order in which they are declared, each once.
func specs() []ui.Spec {
	var env views.Env
	all := slices.Concat(ui.Builtins(), views.Catalog())
	for _, place := range env.Places() {
		all = append(all, place.Spec)
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(s ui.Spec) bool {
		again := seen[s.ID]
		seen[s.ID] = true
		return again
	})
}

func scope(s ui.Spec) string {
	word, _, _ := strings.Cut(s.ID, ".")
	return word
}

// page is the whole page.
func page() []byte {
	return render(specs(), sections())
}

// render writes the actions below the headings of their scopes. Scopes without a heading come at the end under their own
// names, so that none is lost.
func render(specs []ui.Spec, sections []section) []byte {
	var b bytes.Buffer
	b.WriteString(head)
	known := map[string]bool{}
	for _, s := range sections {
		for _, scope := range s.scopes {
			known[scope] = true
		}
	}
	for _, s := range specs {
		if word := scope(s); !known[word] {
			known[word] = true
			sections = append(sections, section{title: word, scopes: []string{word}, risk: true})
		}
	}
	for _, s := range sections {
		s.write(&b, specs)
	}
	return b.Bytes()
}

func (s section) write(b *bytes.Buffer, specs []ui.Spec) {
	fmt.Fprintf(b, "\n## %s\n\n", s.title)
	if s.intro != "" {
		fmt.Fprintf(b, "%s\n\n", s.intro)
	}
	if s.risk {
		b.WriteString("| key | action | what it does | on | risk |\n| --- | --- | --- | --- | --- |\n")
	} else {
		b.WriteString("| key | action | what it does |\n| --- | --- | --- |\n")
	}
	for _, spec := range specs {
		if !slices.Contains(s.scopes, scope(spec)) {
			continue
		}
		fmt.Fprintf(b, "| %s | `%s` | %s |", keys(spec.Keys), spec.ID, escape(spec.Help))
		if s.risk {
			fmt.Fprintf(b, " %s | %s |", arity(spec.Arity), spec.Risk)
		}
		b.WriteByte('\n')
	}
}

func keys(names []string) string {
	if len(names) == 0 {
		return "–"
	}
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = "`" + escape(name) + "`"
	}
	return strings.Join(quoted, " ")
}

// escape keeps a bar from ending the cell of a table, inside code too.
func escape(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

func arity(a ui.Arity) string {
	switch a {
	case ui.One:
		return "one"
	case ui.Many:
		return "many"
	default:
		return "–"
	}
}
