//! `scape status`.

use scape::api::view::{StatusView, WayView, ZoneView};
use serde_json::json;

use super::CliError;
use super::args::Global;
use super::output::{Facts, Paint, harmless};
use super::remote::{Api, Remote};
use super::words::{grouped, journal, many, pools, reasons, short, sizes, source, span, way};

pub(super) async fn run(global: &Global) -> Result<(), CliError> {
    let node = Remote::new(global, &global.config()?, Api::Owner)?;
    let status: StatusView = node.call("get_status", json!([])).await?;
    global.show(&status, |paint| text(&status, paint))
}

fn text(status: &StatusView, paint: Paint) -> String {
    let good_or_bad = |(good, text): (bool, String)| match good {
        true => text,
        false => paint.bad(text),
    };
    let mut facts = Facts::default();
    let (chain, tip) = (harmless(&status.chain), &status.tip);
    facts.add("chain", format_args!("{} at height {}", paint.bold(chain), grouped(tip.height)));
    facts.add("tip", format_args!("{}, {}", short(&tip.last_block_pushed), sync(status)));
    facts.add("source", good_or_bad(source(&status.chain_source)));
    facts.add("node", node(status));
    facts.add("peers", peers(status));
    facts.add("relay", relays(status));
    facts.add("pools", pools(&status.pools));
    let stem = &status.stem;
    facts.add("patience", stem.patience_secs_left.map_or("nothing waits".to_owned(), span));
    facts.add("embargoes", embargoes(&stem.embargo_secs_left));
    facts.add("relayed", sizes(&stem.relayed));
    facts.add("fluffed", sizes(&stem.fluffed));
    facts.add("reasons", reasons(&stem.fluff_reasons));
    facts.add("cut through", many(stem.cut_through, "output"));
    facts.add("journal", good_or_bad(journal(&status.journal)));
    if status.zones.iter().any(|zone| zone.noise || zone.way != WayView::Direct) {
        facts.add("origin", harmless(&status.origin.join(", then ")));
        for zone in &status.zones {
            let (works, how) = way(&zone.way);
            facts.add(&harmless(&zone.zone), good_or_bad((works, zone_facts(zone, &how))));
        }
    }
    facts.show(paint)
}

fn sync(status: &StatusView) -> String {
    match status.sync_status.as_str() {
        "no_sync" => "up to date".to_owned(),
        other => harmless(other),
    }
}

fn node(status: &StatusView) -> String {
    let (agent, up) = (harmless(&status.user_agent), span(status.uptime_secs));
    let (version, preset) = (harmless(&status.version), harmless(&status.preset));
    format!("{agent}, version {version}, preset {preset}, up for {up}")
}

fn peers(status: &StatusView) -> String {
    let known = many(status.addresses as u64, "address");
    format!("{}, {known} known", many(status.connections.into(), "connection"))
}

fn relays(status: &StatusView) -> String {
    match status.relays.as_slice() {
        [] => "none: what comes is fluffed".to_owned(),
        relays => {
            format!("{}, for {}", harmless(&relays.join(", ")), span(status.epoch_secs_left))
        }
    }
}

fn zone_facts(zone: &ZoneView, how: &str) -> String {
    let (out, into) = (zone.outbound, zone.inbound);
    let door = if zone.open { "open" } else { "own transactions wait" };
    let name = zone.name.as_deref().map(|name| format!(", as {}", harmless(name)));
    let noise = if zone.noise { ", white noise" } else { "" };
    let stem = pools(&zone.pools);
    format!("{how}{noise}; {out} out, {into} in, {door}; {stem}{}", name.unwrap_or_default())
}

fn embargoes(left: &[f64]) -> String {
    match left {
        [] => "none".to_owned(),
        [next, ..] => format!("{}, the next ends in {}", left.len(), span(*next)),
    }
}
