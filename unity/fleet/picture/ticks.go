package picture

import (
	"encoding/json"
	"time"

	"github.com/unitty/unitty/unity"
)

// ticks is an instant in steps of 100 ns since the year 1, which is how finely the server can write one; 0 is never.
// Unlike nanoseconds since 1970 it holds every year the API may name.
type ticks int64

const (
	perSecond = int64(time.Second / 100)
	// unixSeconds is 1970 in seconds since the year 1.
	unixSeconds = 62_135_596_800
)

func ticksOf(at time.Time) ticks {
	if at.IsZero() {
		return 0
	}
	return ticks((at.Unix()+unixSeconds)*perSecond + int64(at.Nanosecond())/100)
}

func (t ticks) time() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.Unix(int64(t)/perSecond-unixSeconds, int64(t)%perSecond*100).UTC()
}

func (t ticks) unity() unity.Time {
	if t == 0 {
		return unity.Time{}
	}
	return unity.NewTime(t.time())
}

// unreadable gives the text of an instant that could not be read, as JSON; nil where there is none.
func unreadable(t unity.Time) []byte {
	if t.Known() {
		return nil
	}
	raw, err := t.MarshalJSON()
	if err != nil || string(raw) == "null" {
		return nil
	}
	return raw
}

// reread makes the unreadable instant again.
func reread(raw []byte) unity.Time {
	var t unity.Time
	if json.Unmarshal(raw, &t) != nil {
		return unity.Time{}
	}
	return t
}
