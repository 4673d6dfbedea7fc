package live

import (
	"os"
	"runtime/debug"
)

// How much garbage may pile up, in percent of what is in use. A sync leaves twelve kilobytes of it for each machine, of which
// the picture keeps a third of one; most of the time there is hardly any, and collecting it often would gain nothing.
const (
	percentSync  = 20
	percentUsual = 100
	percentStart = 400
)

// thrift has garbage collected sooner until the function that it gives is called, for the time of a sync.
func thrift() (done func()) { return pace(percentSync) }

// hurry has garbage collected later, for the time until the first screen: until then there is next to none, and looking for
// it takes the processors that the screen needs.
func hurry() (done func()) { return pace(percentStart) }

// pace sets how much garbage may pile up until the function that it gives is called, unless the user has set it. It holds for
// the whole process. Where two fleets set it, the first that is done ends it for both, which costs memory or time only.
func pace(percent int) (done func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	debug.SetGCPercent(percent)
	return func() { debug.SetGCPercent(percentUsual) }
}
