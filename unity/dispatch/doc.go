// Package dispatch is the only way by which unitty changes a console: targets are frozen as ids, a plan is made and
// shown, the risk is asked about, the intent is written down, exactly the planned requests are sent, and every target
// gets an outcome.
package dispatch
