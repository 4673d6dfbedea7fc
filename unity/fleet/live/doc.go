// Package live keeps the picture of a console current: it reads the whole console once, follows what changes with as few
// calls as it can, says how old everything is, and keeps the picture on disk for the next start.
//
// # What a sync reads
//
// One call lists the sites; the machines of each site follow, several sites at once; the agents' reports of the whole
// console come in batches of a thousand beside them. A site that fails is tried once more at the end, then it is named and
// its old rows stay, with their age. A machine leaves the picture only when its site was read to the end without it.
//
// # What idling costs
//
// A console that is only looked at costs, with the default interval of 15 minutes: one list of sites and at least one
// batch of reports per interval, and each site once a day. For 200 sites that is 96 × 2 + 200 = 392 calls a day while
// nothing changes, about one in four minutes; each thousand machines that report within an interval adds one call to it,
// so 10,000 machines that all report in every interval make it at most 96 × 12 + 200 = 1,352. Sites with reports that can
// only be told apart within the site take one more call a day each.
//
// # Machines that lists cannot tell
//
// Where reports carry no machine ids, those of machines that share their name with another record of their site are asked for
// one by one, by machine id: after everything else, six a minute at most, each once, and again when the console has seen it
// since, at most twice a day; that an infection may have come or gone makes it at once. The answers stay in the picture and in
// the snapshot. Identify asks for up to 250 at once, for somebody who looks at duplicates.
//
// # What a delta cannot know
//
// A machine that got another name, group or policy changes neither the number of machines of its site nor, for certain, its
// report. Its site's turn within a day shows it, and Reread does at once, in as many calls as the first sync takes. Pictures
// say when the site was read that has waited longest. A report that names a machine otherwise than its site did has the site
// read at once, as far as its machine id, its hardware or a second report of the name gives it away.
//
// Where reports have no machine ids, one is taken for that of the machine that alone had its name when its site was read and
// alone reported from its hardware before. So what one machine reports can be seen at another one only where it took both the
// name and the hardware of that one, which has been silent since, or where both were renamed within the moments in which a sync
// reads them. The next reading of the site takes it away.
//
// A delta that is given up, because a person goes first or leaves, takes nothing with it: the next one reads its sites and its
// reports once more. A site whose own reports could not be read is asked again then.
package live
