package main

import (
	"fmt"
	"regexp"
	"time"

	"github.com/unitty/unitty/ui/terminal/ptytest"
)

// shot is one picture: the keys that lead to it from a fresh start, and a text that has to be on it.
type shot struct {
	name, title string
	keys        func(c *console)
	shows       string
}

func shots() []shot {
	return []shot{
		{"sites", "unitty: the first screen, numbers above the customers", func(*console) {}, "24 rows"},
		{"infected", "unitty: the infected machines of all customers, one key away", func(c *console) { c.Press("1") }, "12 rows"},
		{"site", "unitty: the groups and endpoints of a site", (*console).site, "All groups"},
		{"filter", "unitty: a filter and marks", (*console).marked, "3 marked"},
		{"confirm-scan", "unitty: a scan of three machines is asked about", func(c *console) { c.marked(); c.Press("s") }, "3 machines"},
		{"confirm-isolate", "unitty: an isolation is asked about, Cancel has the focus", func(c *console) { c.endpoints(); c.Press("/"); c.Type("frontdesk"); c.Press("enter", "i") }, "Cancel"},
		{"jobs", "unitty: the jobs panel", func(c *console) { c.scanned(); c.Press("J") }, "sent"},
		{"endpoint", "unitty: a machine with its commands", (*console).machine, "sent to agent"},
		{"find", "unitty: find any machine", func(c *console) { c.Press("f"); c.Type("rec") }, "searched 24 of 24 sites"},
		{"palette", "unitty: the palette", func(c *console) { c.endpoints(); c.Press(":") }, "scan"},
		{"help", "unitty: what can be done here", func(c *console) { c.endpoints(); c.Press("?") }, "isolate"},
	}
}

// site opens the customer with the most machines, for the second time: columns only grow while lists come in, whichever
// comes first, and the second time all of them are known.
func (c *console) site() {
	c.Press("/")
	c.Type(c.busy)
	c.Press("enter", "enter")
	c.Settle()
	c.Press("esc", "enter")
	c.Settle()
}

// endpoints opens a site with the cursor among its machines.
func (c *console) endpoints() {
	c.site()
	for range 2 {
		if !c.Has("isolate") {
			c.Press("tab")
		}
	}
}

// marked narrows the machines of a site to those seen lately and marks three of them.
func (c *console) marked() {
	c.endpoints()
	c.Press("/")
	c.Type("seen:<1d")
	c.Press("enter", "space", "down", "space", "down", "space")
}

// scanned sends a scan to the three machines.
func (c *console) scanned() {
	c.marked()
	c.Press("s", "y")
	c.Settle()
}

// machine opens a machine whose scan was sent and has been fetched by the agent meanwhile.
func (c *console) machine() {
	c.scanned()
	c.clock.move(2 * time.Minute)
	c.Press("up", "x", "enter", "tab")
}

// jobID finds the ids of jobs, which are random and would make every run draw another picture.
func jobID() *regexp.Regexp { return regexp.MustCompile(`[0-9a-f]{16}`) }

// draw makes all pictures, by file name.
func draw() (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, s := range shots() {
		picture, err := s.draw()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		out[s.name+".svg"] = picture
	}
	return out, nil
}

func (s shot) draw() ([]byte, error) {
	c, err := open()
	if err != nil {
		return nil, err
	}
	s.keys(c)
	if !c.WaitFor(s.shows) {
		return nil, fmt.Errorf("%q does not appear on\n%s", s.shows, c.Screen())
	}
	c.Settle() // the text may be there before the rest of the screen is
	view := c.Root.View()
	screen := emulate(jobID().ReplaceAllString(view.Content, "5ca1ab1e0ddba11a"), width, height)
	if view.Cursor != nil {
		screen.Cursor = ptytest.Cursor{X: view.Cursor.X, Y: view.Cursor.Y, Visible: true}
	}
	return ptytest.SVG(screen, s.title), c.Close()
}
