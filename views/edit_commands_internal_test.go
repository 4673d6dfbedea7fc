package views

import (
	"strings"
	"testing"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

func TestWhatAProgramOfTheUserGets(t *testing.T) {
	input, err := commandInput([]fleet.Ref{{ID: "11111111-1111-4111-8111-111111111111", Site: "s", HostName: unity.NewText("A\x1b[2J"), SiteName: unity.NewText("Quay")}})
	want := `[{"EndpointId":"11111111-1111-4111-8111-111111111111","HostName":"A\u001b[2J","SiteId":"s","SiteName":"Quay","LastSeen":null}]`
	if err != nil || string(input) != want {
		t.Errorf("%s (%v)", input, err)
	}
	got := strings.Join(cleanEnvironment([]string{"PATH=/bin", "UNITTY_PASSWORD=x", "unitty_client_secret=y", "HOME=/root", "MY_UNITTY_X=1"}), " ")
	if got != "PATH=/bin HOME=/root MY_UNITTY_X=1" {
		t.Errorf("environment %s", got)
	}
	e := &Env{Commands: []UserCommand{{Name: "ping", Program: []string{"ping-all", "-c", "1"}}}}
	actions := userActions(e, func(r *fleet.Ref) fleet.Ref { return *r })
	if len(actions) != 1 || actions[0].ID != "run.ping" || actions[0].Title != "run ping" || !strings.Contains(actions[0].Help, "ping-all -c 1") {
		t.Errorf("actions: %+v", actions)
	}
}
