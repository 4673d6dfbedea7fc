package auth

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// ChooseOptions say which store is wanted and what may be asked.
type ChooseOptions struct {
	// Name is what the user set: auto, or the name of a store. Empty means auto.
	Name string
	// Pinned is the choice of the profile, made at an earlier sign-in.
	Pinned string
	// Dir is the folder of the file store.
	Dir string
	// PassphraseFile holds the passphrase of the file store.
	PassphraseFile string
	// Interactive means that there is a terminal and a person at it.
	Interactive bool
	// Prompt asks for the passphrase; it is used only when Interactive is set.
	Prompt PromptFunc
	// Ask lets the person choose when no keychain works. It gets the stores that
	// are left and why the others were refused, and returns one of the names.
	Ask func(ctx context.Context, names []string, refused []Refusal) (string, error)

	open func(name string) (Store, error) // replaced by tests
}

// Refusal says why a store was not taken.
type Refusal struct {
	// Name is the store's name.
	Name string
	// Reason is one sanitised sentence.
	Reason string
}

// Choose opens a store. A store that was named, by the user or by the profile,
// is opened or fails: another one in its place would look like a lost sign-in. Without a
// terminal nothing is asked: what was set, else what is pinned, else the file
// store if there is a passphrase for it, else memory. With a terminal, auto
// tries the keychains of the system with a canary and asks when none works. The
// refusals say what was passed over and why; a refusal named "auto" is the
// notice that the sign-in is kept in memory only.
func Choose(ctx context.Context, o ChooseOptions) (Store, []Refusal, error) {
	if o.open == nil {
		o.open = o.openNamed
	}
	name, pinned := o.Name, false
	if name == "" || name == "auto" {
		name, pinned = o.Pinned, true
	}
	if name != "" && name != "auto" {
		s, err := o.named(ctx, name, pinned)
		if err != nil {
			return nil, []Refusal{{Name: name, Reason: clean(err.Error(), 250)}},
				fail("store", ClassStore, fmt.Sprintf("the secret store %s cannot be used: %s", clean(name, 40), clean(err.Error(), 250)), err)
		}
		return s, nil, nil
	}
	if !o.Interactive {
		return o.unattended(ctx)
	}
	return o.attended(ctx)
}

// named opens the store of the user's choice. A pinned keychain has been proven
// at the sign-in; it is first used when its secrets are wanted, so that a screen
// does not wait for a keychain that is locked or does not answer.
func (o ChooseOptions) named(ctx context.Context, name string, pinned bool) (Store, error) {
	if !pinned || name == "file" {
		return o.ready(ctx, name)
	}
	s, err := o.open(name)
	if k, ok := s.(*KeyringStore); ok && err == nil && o.Interactive {
		k.Await()
	}
	return s, err
}

// unattended takes the file store when it can be unlocked, else memory.
func (o ChooseOptions) unattended(ctx context.Context) (Store, []Refusal, error) {
	if o.PassphraseFile != "" || hasCredential() {
		s, err := o.ready(ctx, "file")
		if err != nil {
			return nil, []Refusal{{Name: "file", Reason: clean(err.Error(), 250)}},
				fail("store", ClassStore, "the file store cannot be used: "+clean(err.Error(), 250), err)
		}
		return s, nil, nil
	}
	s, err := o.open("memory")
	return s, []Refusal{{Name: "auto", Reason: "no terminal and no passphrase file: the sign-in is kept in memory only"}}, err
}

// attended tries the keychains and then asks. A keychain that fails is passed
// over only because a person decides what comes instead.
func (o ChooseOptions) attended(ctx context.Context) (Store, []Refusal, error) {
	var refused []Refusal
	var late, noBus error
	for _, name := range platformStores(runtime.GOOS) {
		if noBus != nil && onBus(name) { // once is enough to wait for it
			refused = append(refused, Refusal{Name: name, Reason: missingReason(name, runtime.GOOS)})
			continue
		}
		s, err := o.try(ctx, name)
		if err == nil {
			return s, refused, nil
		}
		if errors.Is(err, errUnresponsive) {
			late = err
		}
		if errors.Is(err, errNoBus) {
			noBus = err
		}
		refused = append(refused, Refusal{Name: name, Reason: clean(err.Error(), 250)})
	}
	if late != nil && o.Ask == nil {
		// It may hold the sign-in; only a person may decide to leave it aside.
		return nil, refused, fail("store", ClassStore, "the keychain does not answer; unlock it, or name a store", late)
	}
	left := []string{"file", "memory"}
	if runtime.GOOS == "linux" {
		left = []string{"file", "keyctl", "memory"}
	}
	name := "memory"
	if o.Ask != nil {
		choice, err := o.Ask(ctx, left, refused)
		if err != nil {
			return nil, refused, err
		}
		name = choice
	} else if o.PassphraseFile != "" || o.Prompt != nil {
		name = "file"
	}
	s, err := o.ready(ctx, name)
	if err != nil {
		refused = append(refused, Refusal{Name: name, Reason: clean(err.Error(), 250)})
		return nil, refused, fail("store", ClassStore, "the secret store "+clean(name, 40)+" cannot be used: "+clean(err.Error(), 250), err)
	}
	if name == "memory" {
		refused = append(refused, Refusal{Name: "auto", Reason: "the sign-in is kept in memory only"})
	}
	return s, refused, nil
}

// try is ready for a store that nobody has chosen: one that cannot be reached at
// once is passed over.
func (o ChooseOptions) try(ctx context.Context, name string) (Store, error) {
	open := o.open
	var tried *KeyringStore
	o.open = func(name string) (Store, error) {
		s, err := open(name)
		if k, ok := s.(*KeyringStore); ok && err == nil {
			tried = k
			k.hasty.Store(true)
		}
		return s, err
	}
	s, err := o.ready(ctx, name)
	if tried != nil {
		tried.hasty.Store(false)
	}
	return s, err
}

// ready opens a store and proves that it works as far as that is free of
// questions nobody can answer.
func (o ChooseOptions) ready(ctx context.Context, name string) (Store, error) {
	s, err := o.open(name)
	if err != nil {
		return nil, err
	}
	if o.Interactive {
		ctx = Interactive(ctx)
		if f, ok := s.(*FileStore); ok {
			err = f.Unlock(ctx) // ask now, before a screen is drawn
		} else {
			err = Canary(ctx, s)
		}
	}
	if err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func (o ChooseOptions) openNamed(name string) (Store, error) {
	switch name {
	case "memory":
		return NewMemoryStore(), nil
	case "file":
		f := FileOptions{Dir: o.Dir, PassphraseFile: o.PassphraseFile}
		if o.Interactive {
			f.Prompt = o.Prompt
		}
		s, err := OpenFileStore(f)
		if err != nil {
			return nil, err
		}
		if cache, err := OpenKeyringStore("keyctl"); err == nil {
			s.opt.Cache = cache
		}
		return s, nil
	default:
		for _, n := range keyringNames() {
			if n == name {
				return OpenKeyringStore(name)
			}
		}
		return nil, errors.New("there is no store of this name; known are auto, secret-service, keychain, wincred, kwallet, keyctl, pass, file and memory")
	}
}

// platformStores are the keychains that auto tries. The kernel's keyring and
// pass are not among them: the one forgets at a restart, the other makes a
// commit of every refresh.
func platformStores(goos string) []string {
	switch goos {
	case "darwin":
		return []string{"keychain"}
	case "windows":
		return []string{"wincred"}
	case "linux":
		return []string{"secret-service", "kwallet"}
	default:
		return nil
	}
}

func hasCredential() bool {
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	if !filepath.IsAbs(dir) {
		return false
	}
	_, err := os.Lstat(filepath.Join(dir, credentialName))
	return err == nil
}
