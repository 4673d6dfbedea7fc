package ui_test

import (
	"context"
	"testing"

	"github.com/unitty/unitty/ui"
)

// TestRawOfADetail: a row without a record as the API sent it has none to show and says so, instead of showing nothing; it has one as
// soon as more was read.
func TestRawOfADetail(t *testing.T) {
	w := newWorld(t, 1)
	var record []byte
	r := w.resource()
	r.Raw = func(*machine) []byte { return record }
	w.cfg.Home = func() ui.Screen { return ui.NewDetail(r, w.machines[0]) }
	d := w.start(100, 20)
	d.Press("w")
	want(t, d, "this row is not kept as the API sent it")

	r.More = func(context.Context, *machine) ([]ui.Field, error) {
		record = []byte(`{"HostName":"HOST-000"}`)
		return nil, nil
	}
	d = w.start(100, 20)
	d.Press("w")
	want(t, d, `"HostName": "HOST-000"`)
}
