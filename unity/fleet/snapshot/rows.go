package snapshot

import (
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
)

// row writes one machine: what the picture has of it and nothing else.
func (e *encoder) row(r picture.Row) {
	m := r.Machine(0)
	e.id(string(m.ID))
	e.raw(m.HostName.Raw())
	key, known := r.MachineKey()
	if known {
		e.raw(string(key[:]))
	} else {
		e.raw("")
	}
	e.time(m.FirstSeen)
	e.time(m.LastSeen)
	e.time(m.LastInfected)
	e.text(m.AgentVersion.Raw())
	e.bool(m.Deactivated)
	for _, s := range []string{string(m.GroupID), m.Group.Raw(), m.GroupName.Raw(), string(m.PolicyID), m.Policy.Raw(), m.PolicyName.Raw(), m.StatusNote} {
		e.text(s)
	}
	e.instant(m.ReadAt)
	if m.Status == nil {
		e.uint(0)
		return
	}
	e.uint(1)
	e.report(m.Status)
	e.instant(r.StatusAt())
}

func (e *encoder) report(s *unity.Status) {
	for _, t := range []unity.Text{s.OS, s.IPAddress, s.ClientVersion, s.BasicInfo.DeviceType} {
		e.text(t.Raw())
	}
	e.time(s.LastSeen)
	e.bool(s.BasicInfo.AttentionRequired)
	e.bool(s.BasicInfo.Infected)
	e.bool(s.BasicInfo.Managed)
	e.number(s.BasicInfo.ActiveThreats)
	e.raw(s.OSAndVersions.CurrentUser.Raw())
	e.raw(s.OSAndVersions.IPV4.Raw())
	e.raw(s.OSAndVersions.MACAddress.Raw())
	e.time(s.TimesAndStats.LastScan)
}

// row reads one machine into the builder.
func (d *decoder) row(b *picture.Builder) {
	var x unity.Endpoint
	x.ID = unity.EndpointID(d.id())
	x.HostName = unity.NewText(d.raw())
	key := d.raw()
	x.FirstSeen, x.LastSeen, x.LastInfected = d.time(), d.time(), d.time()
	x.AgentVersion = unity.NewText(d.text())
	x.Deactivated = d.bool()
	x.GroupID = unity.GroupID(d.text())
	group := unity.NewText(d.text())
	x.GroupName = unity.NewText(d.text())
	x.PolicyID = unity.PolicyID(d.text())
	policy := unity.NewText(d.text())
	x.PolicyName = unity.NewText(d.text())
	note := d.text()
	read := d.instant()
	joined := d.uint() != 0
	if d.bad {
		return
	}
	i := b.Add(&x, group, policy, read)
	if len(key) == len(fleet.MachineKey{}) {
		b.SetMachineKey(i, fleet.MachineKey([]byte(key)))
	}
	b.Note(i, note)
	if !joined {
		return
	}
	s := d.report()
	if at := d.instant(); !d.bad {
		b.Report(i, s, at)
	}
}

func (d *decoder) report() *unity.Status {
	s := &unity.Status{}
	for _, t := range []*unity.Text{&s.OS, &s.IPAddress, &s.ClientVersion, &s.BasicInfo.DeviceType} {
		*t = unity.NewText(d.text())
	}
	s.LastSeen = d.time()
	s.BasicInfo.AttentionRequired = d.bool()
	s.BasicInfo.Infected = d.bool()
	s.BasicInfo.Managed = d.bool()
	s.BasicInfo.ActiveThreats = d.number()
	s.OSAndVersions.CurrentUser = unity.NewText(d.raw())
	s.OSAndVersions.IPV4 = unity.NewText(d.raw())
	s.OSAndVersions.MACAddress = unity.NewText(d.raw())
	s.TimesAndStats.LastScan = d.time()
	return s
}
