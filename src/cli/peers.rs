//! `scape peers`: connections, addresses, bans.

use scape::api::view::{AddressView, LinkView, PeerView};
use serde_json::{Value, json};

use super::CliError;
use super::args::{Global, PeersAction, PeersArgs};
use super::output::{Cell, Paint, Table, harmless};
use super::remote::{Api, Remote};
use super::words::{address, grouped, link_name, span};

pub(super) async fn run(global: &Global, args: PeersArgs) -> Result<(), CliError> {
    let node = Remote::new(global, &global.config()?, Api::Owner)?;
    match args.action {
        Some(PeersAction::Ban { addr }) => {
            let answer: Value = node.call("ban_peer", json!([addr.to_string()])).await?;
            global.show(&answer, |_| format!("{} is banned", addr))
        }
        Some(PeersAction::Unban { addr }) => {
            let answer: Value = node.call("unban_peer", json!([addr.to_string()])).await?;
            global.show(&answer, |_| format!("{} is not banned any more", addr))
        }
        None if args.all => {
            let all: Vec<AddressView> = node.call("get_peers", json!([null])).await?;
            global.show(&all, |paint| addresses(&all, paint))
        }
        None => {
            let peers: Vec<PeerView> = node.call("get_connected_peers", json!([])).await?;
            global.show(&peers, |paint| connections(&peers, paint))
        }
    }
}

fn connections(peers: &[PeerView], paint: Paint) -> String {
    if peers.is_empty() {
        return "no connections".to_owned();
    }
    let mut table = Table::new(
        ["address", "", "direction", "link", "height", "protocol", "up for", "agent"],
        paint,
    );
    for peer in peers {
        let relay = Cell::painted(if peer.relay { "relay" } else { "" }, |text| paint.good(text));
        table.add([
            harmless(&peer.addr).into(),
            relay,
            harmless(&peer.direction).to_lowercase().into(),
            link(peer.link, paint),
            peer.height.map_or("?".to_owned(), grouped).into(),
            peer.version.into(),
            span(peer.connected_secs).into(),
            harmless(&peer.user_agent).into(),
        ]);
    }
    table.to_string()
}

fn link(link: LinkView, paint: Paint) -> Cell {
    Cell::painted(link_name(link), |text| match link {
        LinkView::Plain => paint.dim(text),
        LinkView::Downgraded => paint.bad(text),
        LinkView::KeyChanged => paint.warn(text),
        LinkView::Encrypted => paint.good(text),
    })
}

fn addresses(addresses: &[AddressView], paint: Paint) -> String {
    if addresses.is_empty() {
        return "no addresses".to_owned();
    }
    let mut table = Table::new(["address", "state"], paint);
    for known in addresses {
        let state = Cell::painted(address(known), |text| match known.flags.as_str() {
            "Banned" => paint.bad(text),
            "Defunct" => paint.dim(text),
            _ => text.to_owned(),
        });
        table.add([harmless(&known.addr).into(), state]);
    }
    table.to_string()
}
