package views

import (
	"github.com/unitty/unitty/unity/fleet/selector"
)

// filterOf makes the filter of a list of rows that were read: an expression of a language, by the clock at the time it is typed.
func filterOf[T any](e *Env, l *selector.Language[*T]) func(expr string) (func(*T) bool, error) {
	return func(expr string) (func(*T) bool, error) {
		plan, err := l.Parse(expr)
		if err != nil {
			return nil, err
		}
		now := e.Client.Now()
		return func(row *T) bool { return plan.Match(row, now) }, nil
	}
}
