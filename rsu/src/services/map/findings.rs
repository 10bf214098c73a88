//! What MAP leaves out of a site, as findings for whoever wrote it and as events for who runs it.
//!
//! A site that no MAP can be made of is wrong, though each of its elements may be right. What is told
//! in part is unwise. Not here: what is done about it, which is in `parts` and `lines`.

use super::{Config, Cut, LeftOut, Limit, Unbuildable, messages};
use crate::services::event::{Event, Events};
use crate::sheet::{Finding, Findings, Reason, Severity};
use crate::site::{FileLines, Link, Site};

/// What is wrong or unwise in a site because of its MAP; `file` and `lines` say where the site was
/// read.
pub fn findings(config: &Config, site: &Site, file: &str, lines: &FileLines) -> Findings {
    let teller = Teller { site, file, lines };
    let mut findings = Findings::default();
    match messages(config, site, None) {
        Err(unbuildable) => findings.push(teller.unbuildable(&unbuildable)),
        Ok((_, left_out)) => teller.all_of(&left_out, &mut findings),
    }
    findings.sort();
    findings
}

struct Teller<'a> {
    site: &'a Site,
    file: &'a str,
    lines: &'a FileLines,
}

impl Teller<'_> {
    fn finding(&self, severity: Severity, line: usize, key: &str, reason: Reason) -> Finding {
        Finding {
            severity,
            file: self.file.to_owned(),
            line,
            key: key.to_owned(),
            reason,
        }
    }

    fn unbuildable(&self, unbuildable: &Unbuildable) -> Finding {
        let told = format!("no MAP can be made of it: {unbuildable}");
        let reason = Reason::new("no-map", [unbuildable.to_string()], told);
        self.finding(Severity::Wrong, self.lines.head, "", reason)
    }

    fn all_of(&self, left_out: &LeftOut, findings: &mut Findings) {
        for (upstream, downstream) in &left_out.links {
            if let Some((link, at)) =
                self.link(|link| link.upstream == *upstream && link.downstream == *downstream)
            {
                let told = format!(
                    "link \"{}\" is left out of MAP, it is too long for a message: tell fewer lanes of it, or less",
                    link.name
                );
                let reason = Reason::new("map-link-left-out", [link.name.clone()], told);
                findings.push(self.finding(Severity::Unwise, self.lines.link(at), "link", reason));
            }
        }
        for cut in self.worth_telling(&left_out.cuts) {
            findings.extend(self.cut(cut));
        }
    }

    /// Every line that has too many bends; of those that the message has no room for, one a link.
    fn worth_telling<'c>(&self, cuts: &'c [Cut]) -> impl Iterator<Item = &'c Cut> {
        let ends = |cut: &Cut| (cut.upstream, cut.downstream);
        cuts.iter().enumerate().filter_map(move |(at, cut)| {
            let shorter = |other: &&Cut| other.by == cut.by && ends(other) == ends(cut);
            let told = cut.by == Limit::Octets && cuts[..at].iter().any(|other| shorter(&other));
            (!told).then_some(cut)
        })
    }

    fn cut(&self, cut: &Cut) -> Option<Finding> {
        let (link, at) =
            self.link(|link| link.upstream == cut.upstream && link.downstream == cut.downstream)?;
        let name = match (cut.by, cut.lane) {
            (Limit::Points, Some(lane)) => {
                format!("lane {} of link \"{}\"", lane.value(), link.name)
            }
            (Limit::Points, None) => format!("the line of link \"{}\"", link.name),
            (Limit::Octets, _) => format!("link \"{}\"", link.name),
        };
        let (line, key) = match (cut.by, cut.lane) {
            (Limit::Points, Some(lane)) => {
                let place = link.lanes.iter().position(|known| known.id == lane)?;
                (self.lines.lane(at, place), "link.lane")
            }
            _ => (self.lines.link(at), "link"),
        };
        let end = if link.downstream == self.site.node {
            "from its stop line"
        } else {
            "from its beginning"
        };
        let (told_m, long_m) = (format!("{:.0}", cut.told_m), format!("{:.0}", cut.long_m));
        let reason = match cut.by {
            Limit::Points => Reason::new(
                "map-line-cut",
                [name.clone(), told_m.clone(), long_m.clone()],
                format!(
                    "{name}: MAP tells {told_m} m of its {long_m} m, {end}: it has more bends than 31 points can tell"
                ),
            ),
            Limit::Octets => Reason::new(
                "map-link-cut",
                [name.clone(), told_m.clone(), long_m.clone()],
                format!(
                    "{name}: MAP tells {told_m} m of its {long_m} m, {end}: its node has no room for more in a message"
                ),
            ),
        };
        Some(self.finding(Severity::Unwise, line, key, reason))
    }

    fn link(&self, is_it: impl Fn(&Link) -> bool) -> Option<(&Link, usize)> {
        let mut links = self.site.links.iter().zip(0..);
        links.find(|(link, _)| is_it(link))
    }
}

impl LeftOut {
    /// The same for the log of who runs it.
    pub(super) fn tell(&self, site: &Site, events: &mut Events) {
        if let Some(tolerance_m) = self.coarser_m {
            events.raise(Event::MapCoarser { tolerance_m });
        }
        for (upstream, downstream) in &self.links {
            let place = site
                .approaches()
                .position(|link| link.upstream == *upstream);
            events.raise(match place.filter(|_| *downstream == site.node) {
                Some(link) => Event::LinkTooLong { link },
                None => Event::ExitTooLong { to: *downstream },
            });
        }
        for link in &site.links {
            let of_it = self
                .cuts
                .iter()
                .filter(|cut| cut.upstream == link.upstream && cut.downstream == link.downstream);
            let shortest = of_it.min_by(|a, b| a.told_m.total_cmp(&b.told_m));
            if let Some(cut) = shortest {
                events.raise(Event::MapLinkCut {
                    upstream: cut.upstream,
                    downstream: cut.downstream,
                    told_m: cut.told_m,
                    long_m: cut.long_m,
                });
            }
        }
        if self.parts > 1 {
            events.raise(Event::MapInParts { parts: self.parts });
        }
    }
}
