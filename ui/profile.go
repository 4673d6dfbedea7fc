package ui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/theme"
)

type (
	profilesMsg struct{ list []Profile }
	switchedMsg struct {
		name  string
		cfg   *Config
		err   error
		epoch uint64
	}
)

// profiles reads the list aside and opens it.
func (r *Root) profiles() tea.Cmd {
	list := r.e.cfg.Profiles
	return func() tea.Msg { return profilesMsg{list()} }
}

func newProfiles(e *env, list []Profile) *picker {
	items := make([]item, 0, len(list))
	for _, p := range list {
		it := item{id: p.Name, title: p.Name, sub: p.Detail}
		if p.Current {
			it.right, it.tone = "in use", theme.Strong
		}
		items = append(items, it)
	}
	use, epoch := e.cfg.UseProfile, e.epoch
	p := newPicker(e, "Profile", items, func(it item) tea.Cmd {
		name := it.id
		return func() tea.Msg {
			cfg, err := use(name)
			return switchedMsg{name, cfg, err, epoch}
		}
	})
	p.empty = "there is no profile"
	return p
}

// switched goes on with another configuration. What belongs to the old one is closed and its late results are dropped; jobs go on.
func (r *Root) switched(m switchedMsg) tea.Cmd {
	if m.epoch != r.e.epoch {
		return nil
	}
	if m.err != nil {
		return Fail(m.err)
	}
	if m.cfg == nil {
		return nil
	}
	for _, o := range r.over {
		o.shut()
	}
	r.over = nil
	for _, s := range r.stack.open {
		r.remember(s)
	}
	r.stack.closeAll()
	r.e.cancel()
	r.notes.settle()
	r.use(newEnv(*m.cfg, r.e.epoch+1, r.clock))
	r.auth, r.network, r.asked, r.tips = Auth{}, Connection{}, false, false
	return tea.Batch(r.begin(), r.restore(), r.broadcast(ProfileMsg{r.e.epoch}),
		Toast(Good, "profile "+clean(m.name)+" is in use"))
}
