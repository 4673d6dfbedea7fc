package views

import (
	"slices"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity"
)

// Place is a customer as the user left it.
type Place struct {
	ID   unity.SiteID `json:"id"`
	Name string       `json:"name"`
}

// Book is what is kept of the customers that somebody works with, and of the last look at what changed. It holds no secret.
type Book struct {
	// Format is the format of the file.
	Format int `json:"format"`
	// Favourites are the chosen customers in the order of choosing, Recent those opened last, the latest first.
	Favourites []Place `json:"favourites,omitempty"`
	Recent     []Place `json:"recent,omitempty"`
	// Looked is when somebody last looked at what changed.
	Looked time.Time `json:"looked,omitzero"`
}

// BookFormat is the format of Book.
const BookFormat = 1

// maxRecent is how many customers are remembered as opened.
const maxRecent = 12

// PlaceBook keeps a Book and saves it whenever it changes. It is safe for concurrent use.
type PlaceBook struct {
	mu   sync.Mutex
	book Book
	save func(Book)
	// dirty is set while a book waits for being saved; saving while a goroutine does so.
	dirty, saving bool
	idle          sync.WaitGroup
}

// NewPlaceBook goes on with a book; save is called aside with the latest book, one call after another, and may be nil.
func NewPlaceBook(b Book, save func(Book)) *PlaceBook {
	b.Format = BookFormat
	return &PlaceBook{book: b, save: save}
}

func (p *PlaceBook) change(edit func(*Book)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	edit(&p.book)
	p.dirty = true
	if p.save != nil && !p.saving {
		p.saving = true
		p.idle.Go(p.write)
	}
}

// write saves until there is nothing newer.
func (p *PlaceBook) write() {
	for {
		p.mu.Lock()
		if !p.dirty {
			p.saving = false
			p.mu.Unlock()
			return
		}
		p.dirty = false
		b := p.copied()
		p.mu.Unlock()
		p.save(b)
	}
}

// Flush waits until the latest book is saved.
func (p *PlaceBook) Flush() { p.idle.Wait() }

func (p *PlaceBook) copied() Book {
	b := p.book
	b.Favourites, b.Recent = slices.Clone(b.Favourites), slices.Clone(b.Recent)
	return b
}

// Book is what is kept at the moment.
func (p *PlaceBook) Book() Book {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.copied()
}

func indexOf(places []Place, id unity.SiteID) int {
	return slices.IndexFunc(places, func(x Place) bool { return x.ID == id })
}

// Toggle makes a customer a favourite or ends that, and tells which.
func (p *PlaceBook) Toggle(s Place) (on bool) {
	p.change(func(b *Book) {
		if i := indexOf(b.Favourites, s.ID); i >= 0 {
			b.Favourites = slices.Delete(slices.Clone(b.Favourites), i, i+1)
			return
		}
		b.Favourites, on = append(slices.Clone(b.Favourites), s), true
	})
	return on
}

// Favourite tells whether a customer is one.
func (p *PlaceBook) Favourite(id unity.SiteID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return indexOf(p.book.Favourites, id) >= 0
}

// favouriteSign stands beside a favourite in lists of customers.
func (e *Env) favouriteSign(id unity.SiteID) string {
	if e.Book.Favourite(id) {
		return "*"
	}
	return ""
}

// Visit notes that a customer was opened.
func (p *PlaceBook) Visit(s Place) {
	p.change(func(b *Book) {
		rest := slices.DeleteFunc(slices.Clone(b.Recent), func(x Place) bool { return x.ID == s.ID })
		b.Recent = append([]Place{s}, rest[:min(len(rest), maxRecent-1)]...)
	})
}

// Look notes that somebody looked at what changed.
func (p *PlaceBook) Look(at time.Time) { p.change(func(b *Book) { b.Looked = at }) }

// visited notes that a customer was opened.
func (e *Env) visited(s *unity.Site) {
	if s.ID != "" && siteName(s) != "" {
		e.Book.Visit(Place{ID: s.ID, Name: siteName(s)})
	}
}

// customers lets one choose among favourites and the customers opened last.
func (e *Env) customers() tea.Cmd {
	b := e.Book.Book()
	var options []ui.Option
	add := func(p Place, word string, tone theme.Tone) {
		options = append(options, ui.Option{ID: string(p.ID), Title: unity.Clean(p.Name), Sub: word, Tone: tone})
	}
	for _, p := range b.Favourites {
		add(p, "favourite", theme.Accent)
	}
	for _, p := range b.Recent {
		if indexOf(b.Favourites, p.ID) < 0 {
			add(p, "opened lately", theme.Plain)
		}
	}
	if len(options) == 0 {
		return ui.Toast(ui.Info, "no customer was opened yet; "+favouriteKey+" on a site makes it a favourite")
	}
	return ui.Choose("Favourite and recent customers", options, func(o ui.Option) tea.Cmd {
		id := unity.SiteID(o.ID)
		if s := e.site(id); s != nil {
			return ui.Push(e.SiteScreen(*s))
		}
		return ui.Push(e.SiteScreen(unity.Site{ID: id, Name: unity.NewText(o.Title)}))
	})
}

// favouriteKey is the key that makes a site a favourite.
const favouriteKey = "b"

func favouriteSpec() ui.Spec {
	return ui.Spec{ID: "site.favourite", Title: "favourite", Help: "Makes the site a favourite, or ends that.", Keys: []string{favouriteKey}, Arity: ui.One}
}

// favouriteAction makes the site under the cursor a favourite.
func (e *Env) favouriteAction() ui.Action[unity.Site] {
	return ui.Action[unity.Site]{Spec: favouriteSpec(), Do: func(sel ui.Selection[unity.Site]) tea.Cmd {
		s := sel.Items[0]
		if e.Book.Toggle(Place{ID: s.ID, Name: siteName(s)}) {
			return ui.Toast(ui.Good, siteName(s)+" is a favourite (F lists them)")
		}
		return ui.Toast(ui.Info, siteName(s)+" is no favourite any more")
	}}
}
