package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/unitty/unitty/auth/atomicfile"
	"github.com/unitty/unitty/auth/secretserver"
	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui/terminal"
	"github.com/unitty/unitty/unity"
)

// configVersion is the format of config.toml.
const configVersion = 1

// config is config.toml. It never holds a secret.
type config struct {
	Version        int                 `toml:"version"`
	DefaultProfile string              `toml:"default_profile"`
	UI             uiConfig            `toml:"ui"`
	Keys           map[string][]string `toml:"keys"`
	Fleet          fleetConfig         `toml:"fleet"`
	Views          map[string]view     `toml:"views"`
	Profiles       map[string]profile  `toml:"profiles"`
	// Commands are programs of the user for chosen machines.
	Commands map[string]userCommand `toml:"commands"`
}

type uiConfig struct {
	Theme      string `toml:"theme"`
	Glyphs     string `toml:"glyphs"`
	Mouse      bool   `toml:"mouse"`
	SyncOutput string `toml:"sync_output"`
	// WholeFrames sends what the terminal should show already, too, for one that loses some of it.
	WholeFrames bool   `toml:"whole_frames"`
	IdleLock    string `toml:"idle_lock"`
	Refresh     string `toml:"refresh"`
}

type fleetConfig struct {
	StaleAfter string `toml:"stale_after"`
}

type view struct {
	Where string `toml:"where"`
	Sort  string `toml:"sort"`
}

type profile struct {
	BaseURL      string `toml:"base_url"`
	GSMKey       string `toml:"gsm_key"`
	Scope        string `toml:"scope"`
	Username     string `toml:"username"`
	ClientID     string `toml:"client_id"`
	Store        string `toml:"store"`
	ReadOnly     bool   `toml:"read_only"`
	Colour       string `toml:"colour"`
	RequireAudit bool   `toml:"require_audit"`
	// Source is a vault that credentials are read from.
	Source *secretserver.Config `toml:"source"`
}

var profileName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// loadConfig reads the file; a missing one is an empty configuration. Unknown keys are warnings.
func loadConfig(path string) (config, []string, error) {
	c := config{Version: configVersion}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil, nil
	}
	if err != nil {
		return c, nil, fmt.Errorf("configuration: %w", err)
	}
	if err := toml.Unmarshal(raw, &c); err != nil {
		var decode *toml.DecodeError
		if errors.As(err, &decode) {
			line, column := decode.Position()
			return c, nil, usagef("%s: line %d, column %d: %s", path, line, column, decode.Error())
		}
		return c, nil, usagef("%s: %v", path, err)
	}
	if c.Version > configVersion {
		return c, nil, usagef("%s has format %d, this unitty knows %d; it is left alone", path, c.Version, configVersion)
	}
	return c, unknownKeys(path, raw), c.check(path)
}

func unknownKeys(path string, raw []byte) []string {
	var c config
	dec := toml.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	var strict *toml.StrictMissingError
	if err := dec.Decode(&c); !errors.As(err, &strict) {
		return nil
	}
	var out []string
	for i := range strict.Errors {
		e := &strict.Errors[i]
		line, _ := e.Position()
		out = append(out, fmt.Sprintf("%s: line %d: unknown key %q is ignored", path, line, strings.Join(e.Key(), ".")))
	}
	return out
}

func (c *config) check(path string) error {
	for name := range c.Profiles {
		if !profileName.MatchString(name) {
			return usagef("%s: profile name %q: lower-case letters, digits and dashes only, 32 at most", path, unity.Clean(name))
		}
	}
	if err := c.checkCommands(path); err != nil {
		return err
	}
	if _, err := theme.New(c.UI.Theme, c.UI.Glyphs, false); err != nil {
		return usagef("%s: ui: %v", path, err)
	}
	if sync := []string{terminal.SyncAuto, terminal.SyncOn, terminal.SyncOff}; c.UI.SyncOutput != "" && !slices.Contains(sync, c.UI.SyncOutput) {
		return usagef("%s: ui.sync_output is %s, not %q", path, strings.Join(sync, ", "), unity.Clean(c.UI.SyncOutput))
	}
	for _, d := range []struct{ key, value string }{
		{"ui.idle_lock", c.UI.IdleLock}, {"ui.refresh", c.UI.Refresh}, {"fleet.stale_after", c.Fleet.StaleAfter},
	} {
		if _, err := duration(d.value, 0); err != nil {
			return usagef("%s: %s: %v", path, d.key, err)
		}
	}
	return nil
}

func duration(s string, missing time.Duration) (time.Duration, error) {
	if s == "" {
		return missing, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return missing, fmt.Errorf("%q is no length of time; write 15m or 168h", unity.Clean(s))
	}
	return d, nil
}

// profileNames are the names in order.
func (c *config) profileNames() []string {
	var names []string
	for name := range c.Profiles {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// setProfile writes a profile into the file and leaves everything else in it as it is, comments included.
func setProfile(path, name string, p profile, makeDefault bool) error {
	return editConfig(path, func(text string) string {
		text = setKeys(text, "profiles."+name, [][2]string{
			{"base_url", quote(p.BaseURL)}, {"gsm_key", quote(p.GSMKey)}, {"username", quote(p.Username)},
			{"client_id", quote(p.ClientID)}, {"scope", quote(p.Scope)}, {"store", quote(p.Store)},
		})
		if makeDefault {
			text = setKeys(text, "", [][2]string{{"default_profile", quote(name)}})
		}
		return text
	})
}

func editConfig(path string, edit func(string) string) error {
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("configuration: %w", err)
	}
	text := string(raw)
	if strings.TrimSpace(text) == "" {
		text = fmt.Sprintf("version = %d\n", configVersion)
	}
	text = edit(text)
	var probe config
	if err := toml.Unmarshal([]byte(text), &probe); err != nil {
		return fmt.Errorf("configuration: the file is too unusual to be edited, please do it by hand: %w", err)
	}
	if err := writePrivate(path, []byte(text)); err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	return nil
}

func quote(s string) string {
	if s == "" {
		return ""
	}
	b, err := toml.Marshal(map[string]string{"k": s})
	if err != nil {
		return `""`
	}
	_, v, _ := strings.Cut(strings.TrimSpace(string(b)), "=")
	return strings.TrimSpace(v)
}

// setKeys sets keys of a table; keys with an empty value are left as they are.
func setKeys(text, table string, keys [][2]string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	from, to := tableLines(lines, table)
	if from < 0 {
		lines = append(lines, "", "["+table+"]")
		from, to = len(lines), len(lines)
	}
	for _, kv := range keys {
		if kv[1] == "" {
			continue
		}
		line, done := kv[0]+" = "+kv[1], false
		for i := from; i < to; i++ {
			if name, _, ok := strings.Cut(lines[i], "="); ok && strings.TrimSpace(name) == kv[0] {
				lines[i], done = line, true
			}
		}
		if !done {
			lines = append(lines[:to], append([]string{line}, lines[to:]...)...)
			to++
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// tableLines gives the lines of a table after its heading, or -1 when there is none; "" is the part before all tables.
func tableLines(lines []string, table string) (from, to int) {
	from = -1
	if table == "" {
		from = 0
	}
	for i, l := range lines {
		l = strings.TrimSpace(l)
		if !strings.HasPrefix(l, "[") {
			continue
		}
		if from >= 0 {
			return from, lastUsed(lines, from, i)
		}
		if name, _, _ := strings.Cut(strings.TrimPrefix(l, "["), "]"); strings.ReplaceAll(strings.TrimSpace(name), `"`, "") == table {
			from = i + 1
		}
	}
	return from, lastUsed(lines, max(from, 0), len(lines))
}

// lastUsed leaves blank lines at the end of a table out of it.
func lastUsed(lines []string, from, to int) int {
	for to > from && strings.TrimSpace(lines[to-1]) == "" {
		to--
	}
	return to
}

// removeTable takes a table out of the text.
func removeTable(text, table string) string {
	lines := strings.Split(text, "\n")
	from, to := tableLines(lines, table)
	if from < 1 {
		return text
	}
	return strings.Join(append(lines[:from-1], lines[to:]...), "\n")
}

// writePrivate writes a file that only its owner may read, all or nothing.
func writePrivate(path string, data []byte) error {
	if err := atomicfile.EnsureDir(filepath.Dir(path)); err != nil {
		return err
	}
	return atomicfile.Write(path, data)
}
