package ui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/theme"
)

func TestProgressOfARunningJob(t *testing.T) {
	th, err := theme.New("", "ascii", true)
	if err != nil {
		t.Fatal(err)
	}
	job := Job{Title: "scan", PerSecond: 4, Left: 90 * time.Second}
	for i := range 60 {
		o := Waiting
		switch {
		case i%6 == 0: // the first customer is done
			o = Sent
		case i < 6:
			o = Failed
		case i == 59:
			o = Skipped
		}
		job.Targets = append(job.Targets, Target{Key: fmt.Sprint(i), Site: fmt.Sprintf("Customer %d", i%6), Outcome: o})
	}
	run := &jobRun{job: job}
	text := strings.Join(progressLines(th, run, 100), "\n")
	for _, want := range []string{"15 of 59 · 4.0 per second · about 1 min left", "Customer 1               1 of 10", "and 1 more customer", "1 of 6 customers done", "######"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "Customer 0") || strings.Contains(text, "Customer 5 ") {
		t.Errorf("names a customer that is done, or too many:\n%s", text)
	}
	run.finished = true
	if got := progressLines(th, run, 100); got != nil {
		t.Errorf("a job that is over has a progress: %q", got)
	}
}

func TestWordsOfRates(t *testing.T) {
	for d, want := range map[time.Duration]string{200 * time.Millisecond: "less than 1 s", 7900 * time.Millisecond: "7 s", 61 * time.Second: "1 min"} {
		if got := lasted(d); got != want {
			t.Errorf("%s lasted %q, want %q", d, got, want)
		}
	}
	for x, want := range map[float64]string{0.25: "0.2", 4: "4.0", 3871.8: "3,872"} {
		if got := rate(x); got != want {
			t.Errorf("rate %v is %q, want %q", x, got, want)
		}
	}
	if got := leftWords(5 * time.Second); got != "some seconds left" {
		t.Errorf("5 s left are %q", got)
	}
}
