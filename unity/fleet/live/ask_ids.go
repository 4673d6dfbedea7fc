package live

import (
	"context"
	"strings"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// machineIDs fills in the machine ids of machines of one site. Those that were not kept when the site was read, as after a
// start from disk, are read again: one call for each thousand machines of the site.
func (f *Fleet) machineIDs(ctx context.Context, list []candidate) error {
	site := list[0].site
	fill := func() (missing bool) {
		f.mu.Lock()
		defer f.mu.Unlock()
		known, read := f.ids[site]
		for i := range list {
			if id := known[list[i].id]; fleet.KeyOf(id) == list[i].key {
				list[i].machine = id
			} else {
				missing = true
			}
		}
		return missing && !read
	}
	if !fill() {
		return nil
	}
	kept := &idKeeper{}
	for page, err := range f.client.Endpoints(ctx, site, unity.EndpointQuery{PageSize: f.size(site)}) {
		if err != nil {
			return err
		}
		kept.add(page.Items)
	}
	f.mu.Lock()
	f.ids[site] = kept.alike
	f.mu.Unlock()
	fill()
	return nil
}

// idKeeper collects, while a site is read, the machine ids that somebody may be asked with: those of machines without a name of
// their own. Ids are long, so no others are kept.
type idKeeper struct {
	// first are the machines whose name nobody else has so far.
	first map[string]idPair
	// shared are the names that several have.
	shared map[string]bool
	alike  map[unity.EndpointID]unity.MachineID
}

type idPair struct {
	endpoint unity.EndpointID
	machine  unity.MachineID
}

func (k *idKeeper) add(items []unity.Endpoint) {
	if k.first == nil {
		k.first, k.shared, k.alike = make(map[string]idPair, len(items)), map[string]bool{}, map[unity.EndpointID]unity.MachineID{}
	}
	for i := range items {
		pair, host := idPair{items[i].ID, items[i].MachineID}, unity.Fold(items[i].HostName.Raw())
		other, known := k.first[host]
		switch {
		case host == "":
			k.keep(pair)
		case known:
			k.keep(pair)
			k.keep(other)
			k.first[host], k.shared[host] = idPair{}, true
		default:
			k.first[host] = pair
		}
	}
}

func (k *idKeeper) keep(p idPair) {
	if p.endpoint != "" && p.machine != "" {
		k.alike[unity.EndpointID(strings.Clone(string(p.endpoint)))] = unity.MachineID(strings.Clone(string(p.machine)))
	}
}
