package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"sort"
	"strings"

	mango "github.com/muesli/mango-cobra"
	"github.com/muesli/roff"
	"github.com/spf13/cobra"

	"github.com/unitty/unitty/unity"
)

// numbered is a number of things: "1 site", "3 sites".
func numbered(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

// are is the verb for a number of things.
func are(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func sortedKeys(h http.Header) []string {
	var names []string
	for name := range h {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Print the version", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		if a.structured() {
			return a.printMembers(unity.Extra{Name: "Version", Value: version}, unity.Extra{Name: "Revision", Value: revision()},
				unity.Extra{Name: "Go", Value: runtime.Version()}, unity.Extra{Name: "OS", Value: runtime.GOOS}, unity.Extra{Name: "Arch", Value: runtime.GOARCH})
		}
		_, err := fmt.Fprintln(a.out, versionLine())
		return err
	}}
}

// revision is the commit that the program was built from, "" where that is not known.
func revision() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value[:min(12, len(s.Value))]
			}
		}
	}
	return ""
}

func versionLine() string {
	return strings.Join(strings.Fields("unitty "+version+" "+revision()+" "+runtime.Version()), " ") + " " + runtime.GOOS + "/" + runtime.GOARCH
}

func (a *app) completionCommand() *cobra.Command {
	return &cobra.Command{Use: "completion bash|zsh|fish|powershell", Short: "Print a completion script for a shell", Args: cobra.ExactArgs(1),
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"}, RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(a.out, true)
			case "zsh":
				return root.GenZshCompletion(a.out)
			case "fish":
				return root.GenFishCompletion(a.out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(a.out)
			}
			return usagef("there is no completion for %q; there is bash, zsh, fish and powershell", unity.Clean(args[0]))
		}}
}

func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{Use: "man", Short: "Print the manual page", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		page, err := mango.NewManPage(1, cmd.Root())
		if err != nil {
			return fmt.Errorf("man: %w", err)
		}
		_, err = fmt.Fprint(a.out, page.Build(roff.NewDocument()))
		return err
	}}
}

func (a *app) profileCommand() *cobra.Command {
	c := &cobra.Command{Use: "profile", Short: "Profiles: one per console and user"}
	list := &cobra.Command{Use: "list", Short: "List profiles", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error { return a.listProfiles() }}
	use := &cobra.Command{Use: "use NAME", Short: "Make a profile the default", Args: cobra.ExactArgs(1), RunE: func(_ *cobra.Command, args []string) error {
		s, err := a.knownProfile(args[0])
		if err != nil {
			return err
		}
		return editConfig(s.paths.configFile(), func(text string) string {
			return setKeys(text, "", [][2]string{{"default_profile", quote(args[0])}})
		})
	}}
	remove := &cobra.Command{Use: "remove NAME", Short: "Remove a profile from the configuration; sign out of it first", Args: cobra.ExactArgs(1), RunE: func(_ *cobra.Command, args []string) error {
		s, err := a.knownProfile(args[0])
		if err != nil {
			return err
		}
		if err := editConfig(s.paths.configFile(), func(text string) string {
			if s.config.DefaultProfile == args[0] {
				text = dropKey(text, "default_profile")
			}
			return removeTable(removeTable(text, "profiles."+args[0]+".source"), "profiles."+args[0])
		}); err != nil {
			return err
		}
		if err := os.Remove(s.paths.session(args[0])); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("profile: %w", err)
		}
		s.Profile = args[0]
		_, err = a.purgeSnapshot(s)
		return err
	}}
	c.AddCommand(list, use, remove)
	return c
}

// dropKey takes a key off the part of the file before its tables.
func dropKey(text, key string) string {
	lines := strings.Split(text, "\n")
	from, to := tableLines(lines, "")
	for i := from; i < to; i++ {
		if name, _, ok := strings.Cut(lines[i], "="); ok && strings.TrimSpace(name) == key {
			return strings.Join(append(lines[:i], lines[i+1:]...), "\n")
		}
	}
	return text
}

func (a *app) knownProfile(name string) (*settings, error) {
	a.newProfile = true
	s, err := a.settings()
	if err != nil {
		return nil, err
	}
	if _, ok := s.config.Profiles[name]; !ok {
		return nil, &codeError{exitFailed, fmt.Sprintf("there is no profile %q; there are: %s", unity.Clean(name), strings.Join(s.config.profileNames(), " "))}
	}
	return s, nil
}

type profileRow struct {
	Name     string
	Default  bool
	BaseURL  string
	GSMKey   string
	Username string
	ReadOnly bool
	Store    string
}

func (a *app) listProfiles() error {
	a.newProfile = true
	s, err := a.settings()
	if err != nil {
		return err
	}
	rows := []profileRow{}
	for _, name := range s.config.profileNames() {
		p := s.config.Profiles[name]
		rows = append(rows, profileRow{Name: name, Default: name == s.config.DefaultProfile, BaseURL: firstOf(p.BaseURL, unity.DefaultBaseURL), GSMKey: p.GSMKey,
			Username: p.Username, ReadOnly: p.ReadOnly, Store: p.Store})
	}
	return printAll(a, rows, profileColumns(), func(r *profileRow) ([]byte, error) { return json.Marshal(r) })
}
