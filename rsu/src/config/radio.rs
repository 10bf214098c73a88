//! `[radio]`: where frames go.

use core::net::{Ipv4Addr, SocketAddr};

use super::address::{UDP_FORM, udp};
use crate::sheet::{Reason, Table};

/// One place that every frame is sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RadioTarget {
    /// One listener, or a multicast group.
    pub to: SocketAddr,
    /// The network interface to leave by; None leaves it to the routes.
    pub interface: Option<String>,
    /// How many routers a frame may pass, and one more; 1..=255.
    pub ttl: u8,
    /// Differentiated services code point, 0..=63.
    pub dscp: u8,
    /// Whether listeners on this machine hear a multicast group too.
    pub loopback: bool,
}

/// The group that stands in for the air where nothing is configured.
const DEFAULT_GROUP: (Ipv4Addr, u16) = (Ipv4Addr::new(239, 255, 67, 86), 4900);

impl Default for RadioTarget {
    fn default() -> Self {
        Self {
            to: DEFAULT_GROUP.into(),
            interface: None,
            ttl: 1,
            // Expedited forwarding: what is late is worthless.
            dscp: 46,
            loopback: true,
        }
    }
}

/// Reads `[radio]`, or `[[radio]]` for several targets; without any, the default group.
pub(super) fn read(root: &mut Table<'_, '_>) -> Vec<RadioTarget> {
    let tables = root.tables("radio");
    if tables.is_empty() {
        return vec![RadioTarget::default()];
    }
    let mut targets: Vec<RadioTarget> = Vec::new();
    for mut table in tables {
        let target = read_one(&mut table);
        if targets
            .iter()
            .any(|other| other.to == target.to && other.interface == target.interface)
        {
            table.wrong(
                table.line_of("target"),
                "target",
                "is given twice; each frame would be sent twice",
            );
        }
        targets.push(target);
        table.finish();
    }
    targets
}

fn read_one(table: &mut Table<'_, '_>) -> RadioTarget {
    let default = RadioTarget::default();
    let to = table.parsed("target", UDP_FORM, |text| {
        udp(text).filter(|to| to.port() > 0 && !to.ip().is_unspecified())
    });
    let interface = table.text("interface");
    let target = RadioTarget {
        to: to.map_or(default.to, |to| to.value),
        interface: interface.map(|name| name.value.to_owned()),
        ttl: table
            .integer("ttl", 1..=255)
            .map_or(default.ttl, |n| n.value as u8),
        dscp: table
            .integer("dscp", 0..=63)
            .map_or(default.dscp, |n| n.value as u8),
        loopback: table.boolean("loopback").unwrap_or(default.loopback),
    };
    if let Some(name) = interface {
        // IFNAMSIZ is 16 with the closing zero.
        if name.value.is_empty() || name.value.len() > 15 {
            table.wrong(
                name.line,
                "interface",
                "must be a name of 1 to 15 bytes, such as \"eth0\"",
            );
        }
    }
    if let Some(to) = to {
        warn_of_link_local(table, to.line, &target);
    }
    target
}

fn warn_of_link_local(table: &Table<'_, '_>, line: usize, target: &RadioTarget) {
    let SocketAddr::V6(to) = target.to else {
        return;
    };
    let scope = to.ip().octets()[1] & 0x0f;
    let needs_link = to.ip().is_unicast_link_local() || to.ip().is_multicast() && scope <= 2;
    if needs_link && target.interface.is_none() && to.scope_id() == 0 {
        table.unwise(
            line,
            "target",
            Reason::new(
                "link-local",
                [],
                "is link-local: name the `interface`, or the kernel chooses one".to_owned(),
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet::Reader;

    fn read_text(text: &str) -> (Vec<RadioTarget>, Vec<String>) {
        let reader = Reader::new("f", text);
        let document = reader.document();
        let mut root = reader.root(&document);
        let targets = read(&mut root);
        root.finish();
        let (findings, _) = reader.into_findings();
        (targets, findings.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn without_a_target_the_default_group_is_used() {
        let (targets, told) = read_text("");
        assert_eq!(targets, [RadioTarget::default()]);
        assert!(told.is_empty());
    }

    #[test]
    fn several_targets_are_read_in_order() {
        let (targets, told) = read_text(
            "[[radio]]\ntarget = 'udp://10.0.0.1:1'\nttl = 9\n\
             [[radio]]\ntarget = 'udp://[fd00::1]:2'\ninterface = 'eth1'\nloopback = false\n",
        );
        assert!(told.is_empty(), "{told:?}");
        assert_eq!(targets[0].to.to_string(), "10.0.0.1:1");
        assert_eq!(targets[0].ttl, 9);
        assert_eq!(targets[1].interface.as_deref(), Some("eth1"));
        assert!(!targets[1].loopback);
    }

    #[test]
    fn each_fault_is_told() {
        let (_, told) = read_text(
            "[[radio]]\ntarget = 'udp://somewhere:1'\nttl = 0\ndscp = 64\n\
             interface = 'a-name-that-is-too-long'\n[[radio]]\ntarget = 'udp://10.0.0.1:0'\n",
        );
        let lines: Vec<&str> = told.iter().map(|t| t.split(": ").next().unwrap()).collect();
        assert_eq!(lines, ["f:2", "f:3", "f:4", "f:5", "f:7"], "{told:?}");
    }

    #[test]
    fn a_link_local_group_without_an_interface_is_unwise() {
        let (_, told) = read_text("[radio]\ntarget = 'udp://[ff02::1]:4900'\n");
        assert!(
            told[0].starts_with("f:2: warning: radio.target: "),
            "{told:?}"
        );
    }
}
