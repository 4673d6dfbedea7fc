package cli

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unitty/unitty/unity"
)

// TestALongReadingIsNotSilent: without a terminal a reading says where it is every ten seconds, in whole lines, and a short one nothing.
func TestALongReadingIsNotSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		calls := newCallLog()
		calls.add(unity.Attempt{Retry: 1}) // of what was read before
		a := &app{err: &out}
		p := a.progress(calls)
		<-time.After(progressLines - time.Millisecond)
		p.at(3, 1500, 0)
		p.end()
		if out.Len() > 0 {
			t.Errorf("a short reading says %q", out.String())
		}
		p = a.progress(calls)
		<-time.After(progressLines + time.Second)
		synctest.Wait()
		p.at(1, 1500, 0)
		calls.add(unity.Attempt{})
		calls.add(unity.Attempt{Retry: 2})
		<-time.After(progressLines)
		synctest.Wait()
		p.at(212, 1500, 31)
		calls.add(unity.Attempt{Retry: 1})
		<-time.After(progressLines)
		synctest.Wait()
		p.end()
		<-time.After(time.Hour)
		want := []string{"unitty: still reading", "unitty: read 1 of 1500 sites, 1 call repeated", "unitty: read 212 of 1500 sites, 31 failed, 2 calls repeated", ""}
		if got := strings.Split(out.String(), "\n"); strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("a long reading says %q", got)
		}
	})
}

// TestProgressOnATerminal is one line that is drawn over itself and wiped.
func TestProgressOnATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := (&app{err: &out, terminal: true}).progress(newCallLog())
		p.at(1, 12, 0)
		<-time.After(progressEvery)
		p.at(9, 12, 1)
		p.at(10, 12, 1)
		<-time.After(time.Minute)
		p.at(10, 12, 0)
		p.end()
		p.at(11, 12, 0)
		p.end()
		<-time.After(time.Hour)
		first, second := "read 9 of 12 sites, 1 failed", "read 10 of 12 sites"
		if want := "\r" + first + "\r" + second + strings.Repeat(" ", len(first)-len(second)) + "\r" + strings.Repeat(" ", len(second)) + "\r"; out.String() != want {
			t.Errorf("%q, not %q", out.String(), want)
		}
	})
}
