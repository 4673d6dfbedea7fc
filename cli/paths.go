package cli

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
)

// paths are the folders unitty uses.
type paths struct {
	Config, State, Cache string
}

// findPaths follows XDG on Linux and macOS and the known folders on Windows.
func findPaths(env func(string) string) (paths, error) {
	if runtime.GOOS == "windows" {
		roaming, local := env("APPDATA"), env("LOCALAPPDATA")
		if roaming == "" || local == "" {
			return paths{}, errors.New("neither APPDATA nor LOCALAPPDATA is set")
		}
		return paths{filepath.Join(roaming, "unitty"), filepath.Join(local, "unitty", "state"), filepath.Join(local, "unitty", "cache")}, nil
	}
	home := env("HOME")
	if home == "" {
		if dir, err := os.UserHomeDir(); err == nil {
			home = dir
		}
	}
	pick := func(name, fallback string) (string, error) {
		// The specification asks to ignore relative values.
		if v := env(name); filepath.IsAbs(v) {
			return filepath.Join(v, "unitty"), nil
		}
		if !filepath.IsAbs(home) {
			return "", errors.New("HOME is not set")
		}
		return filepath.Join(home, fallback, "unitty"), nil
	}
	var p paths
	var err, e error
	p.Config, e = pick("XDG_CONFIG_HOME", ".config")
	err = errors.Join(err, e)
	p.State, e = pick("XDG_STATE_HOME", ".local/state")
	err = errors.Join(err, e)
	p.Cache, e = pick("XDG_CACHE_HOME", ".cache")
	return p, errors.Join(err, e)
}

func (p paths) configFile() string { return filepath.Join(p.Config, "config.toml") }
func (p paths) auditFile() string  { return filepath.Join(p.State, "audit.jsonl") }
func (p paths) secrets() string    { return filepath.Join(p.State, "secrets") }
func (p paths) jobs() string       { return filepath.Join(p.State, "jobs") }
func (p paths) exports() string    { return filepath.Join(p.State, "exports") }
func (p paths) session(profile string) string {
	return filepath.Join(p.State, "session-"+profile+".json")
}
