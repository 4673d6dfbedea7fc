package cli

import (
	"sort"
	"strings"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/views"
)

// userCommand is a program that gets the chosen machines ([commands.NAME]).
type userCommand struct {
	Program []string `toml:"program"`
}

// checkCommands refuses commands that have no usable name or no program.
func (c *config) checkCommands(path string) error {
	for name, u := range c.Commands {
		switch {
		case !profileName.MatchString(name):
			return usagef("%s: name of a command %q: lower-case letters, digits and dashes only, 32 at most", path, unity.Clean(name))
		case len(u.Program) == 0 || strings.TrimSpace(u.Program[0]) == "":
			return usagef("%s: commands.%s: program is missing; write program = [\"ping-all\", \"-c\", \"1\"]", path, name)
		}
	}
	return nil
}

// userCommands are the commands in order of their names.
func (c *config) userCommands() []views.UserCommand {
	var out []views.UserCommand
	for name, u := range c.Commands {
		out = append(out, views.UserCommand{Name: name, Program: u.Program})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}
