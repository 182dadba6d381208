//! Figures and states in words, for the answers and for the live view.

use std::collections::BTreeMap;

use scape::api::view::{
    AddressView, ChainSourceView, ChainStateView, JournalView, LinkView, PoolsView,
    TransactionState, WayView,
};

use super::output::harmless;

/// `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 peer`, `2 peers`.
pub(super) fn many(count: u64, one: &str) -> String {
    let plural = match one {
        "address" => "addresses".to_owned(),
        "transaction of the owner" => "transactions of the owner".to_owned(),
        one => format!("{one}s"),
    };
    format!("{} {}", grouped(count), if count == 1 { one } else { &plural })
}

/// A length of time by its two greatest units: `42 s`, `3 min 5 s`, `2 d 4 h`.
pub(super) fn span(secs: f64) -> String {
    // Casts saturate, and what is not a number is 0.
    let secs = secs.max(0.0) as u64;
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let first = units.iter().position(|(length, _)| secs >= *length).unwrap_or(3);
    let (length, unit) = units[first];
    let greatest = format!("{} {unit}", grouped(secs / length));
    match units.get(first + 1) {
        Some((smaller, unit)) if secs % length >= *smaller => {
            format!("{greatest} {} {unit}", secs % length / smaller)
        }
        _ => greatest,
    }
}

/// Nanogrin as grin: `0.0235`, without zeros at the end.
pub(super) fn grin(nanogrin: u64) -> String {
    const GRIN: u64 = 1_000_000_000;
    let fraction = format!("{:09}", nanogrin % GRIN);
    match fraction.trim_end_matches('0') {
        "" => grouped(nanogrin / GRIN),
        fraction => format!("{}.{fraction}", grouped(nanogrin / GRIN)),
    }
}

/// Bytes in hex, cut to what tells them apart.
pub(super) fn short(hex: &str) -> String {
    const KEPT: usize = 16;
    match hex.char_indices().nth(KEPT) {
        Some((end, _)) => format!("{}…", &harmless(&hex[..end])),
        None => harmless(hex),
    }
}

/// How a link is protected.
pub(super) fn link_name(link: LinkView) -> &'static str {
    match link {
        LinkView::Plain => "plain",
        LinkView::Downgraded => "downgraded",
        LinkView::Encrypted => "encrypted",
        LinkView::KeyChanged => "new key",
    }
}

/// Whether the chain can be relied on, and how that is.
pub(super) fn source(source: &ChainSourceView) -> (bool, String) {
    match source {
        ChainSourceView::Embedded => (true, "embedded development ledger".to_owned()),
        ChainSourceView::Grin { url, state } => {
            let url = harmless(url);
            match state {
                ChainStateView::Ready => (true, format!("Grin node {url}, ready")),
                ChainStateView::Syncing { done, of } => {
                    let (done, of) = (grouped(*done), grouped(*of));
                    (false, format!("Grin node {url}, syncing: {done} of {of}"))
                }
                ChainStateView::Away { secs, reason } => {
                    let (away, reason) = (span(*secs), harmless(reason));
                    (false, format!("Grin node {url}, away for {away}: {reason}"))
                }
            }
        }
    }
}

/// Whether the owner's transactions are safe, and how that is.
pub(super) fn journal(journal: &JournalView) -> (bool, String) {
    let lost = |unreadable: &usize| match unreadable {
        0 => String::new(),
        count => format!(", {count} unreadable"),
    };
    match journal {
        JournalView::Off => (false, "off: a crash loses the owner's transactions".to_owned()),
        JournalView::Safe { records, unreadable } => {
            (*unreadable == 0, format!("safe, {} kept{}", records, lost(unreadable)))
        }
        JournalView::Failing { records, unreadable, unwritten, reason } => {
            let lost = lost(unreadable);
            let reason = harmless(reason);
            (false, format!("failing, {unwritten} of {records} not written{lost}: {reason}"))
        }
    }
}

/// What the pools hold.
pub(super) fn pools(pools: &PoolsView) -> String {
    let kernels = |count: usize| many(count as u64, "kernel");
    format!(
        "stem {} ({}), public {} ({}), {}",
        pools.stem,
        kernels(pools.stem_kernels),
        pools.public,
        kernels(pools.public_kernels),
        many(pools.orphans as u64, "orphan"),
    )
}

/// How many aggregates of which sizes: `3 of 1, 1 of 7`.
pub(super) fn sizes(sizes: &BTreeMap<usize, u64>) -> String {
    list(sizes.iter().map(|(parts, count)| format!("{} of {parts}", grouped(*count))))
}

/// How many for which reasons: `3 by coin, 1 by embargo`.
pub(super) fn reasons(reasons: &BTreeMap<String, u64>) -> String {
    list(reasons.iter().map(|(reason, count)| format!("{} {}", grouped(*count), why(reason))))
}

fn list(items: impl Iterator<Item = String>) -> String {
    match items.collect::<Vec<_>>() {
        items if items.is_empty() => "none".to_owned(),
        items => items.join(", "),
    }
}

/// Whether the way of a zone can be relied on, and how that is.
pub(super) fn way(way: &WayView) -> (bool, String) {
    match way {
        WayView::Direct => (true, "direct".to_owned()),
        WayView::Untried => (true, "nothing tried yet".to_owned()),
        WayView::Working => (true, "working".to_owned()),
        WayView::Failing { reason } => (false, format!("failing: {}", harmless(reason))),
    }
}

/// One word for where a transaction is.
pub(super) fn state_name(state: &TransactionState) -> &'static str {
    match state {
        TransactionState::Waiting | TransactionState::WaitingForPeer => "waiting",
        TransactionState::Accepted => "accepted",
        TransactionState::InStem { .. } => "in stem",
        TransactionState::Fluffed { .. } => "fluffed",
        TransactionState::Seen => "seen",
        TransactionState::Mined { .. } => "mined",
        TransactionState::Conflicted { .. } => "conflicted",
        TransactionState::Dropped { .. } => "dropped",
    }
}

/// What there is to say of it beside the word.
pub(super) fn state_detail(state: &TransactionState) -> String {
    match state {
        TransactionState::Waiting => "for its parent or for a height".to_owned(),
        TransactionState::WaitingForPeer => "for a peer that the node has dialled".to_owned(),
        TransactionState::Accepted => "until patience runs out".to_owned(),
        TransactionState::InStem { parts, embargo_secs_left } => {
            let embargo = embargo_secs_left.map(|secs| format!("embargo {}", span(secs)));
            match embargo {
                Some(embargo) => format!("{}, {embargo}", merged(*parts)),
                None => merged(*parts),
            }
        }
        TransactionState::Fluffed { parts, reason } => {
            format!("{}, {}", merged(*parts), why(reason))
        }
        TransactionState::Seen => "fluffed by another node".to_owned(),
        TransactionState::Mined { height } => format!("at height {}", grouped(*height)),
        TransactionState::Conflicted { by: Some(by) } => format!("by {}", harmless(by)),
        TransactionState::Conflicted { by: None } => "by what is not known".to_owned(),
        TransactionState::Dropped { reason } => harmless(reason),
    }
}

/// Why something was fluffed: the reasons of the API that "by" does not go with.
fn why(reason: &str) -> String {
    match reason {
        "asked" => "on demand".to_owned(),
        "no relay" => "for want of a relay".to_owned(),
        "family" => "with a relative".to_owned(),
        "loop" => "having come back".to_owned(),
        reason => format!("by {}", harmless(reason)),
    }
}

fn merged(parts: usize) -> String {
    match parts {
        0 | 1 => "alone".to_owned(),
        parts => format!("as one of {parts}"),
    }
}

/// How an address is, and until when.
pub(super) fn address(address: &AddressView) -> String {
    let flags = harmless(&address.flags).to_lowercase();
    match address.ban_secs_left {
        Some(secs) => format!("{flags}, {} left", span(secs)),
        None => flags,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_readable() {
        let groups = [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678")];
        groups.into_iter().for_each(|(number, text)| assert_eq!(grouped(number), text));
        let spans = [
            (0.4, "0 s"),
            (59.9, "59 s"),
            (60.0, "1 min"),
            (65.0, "1 min 5 s"),
            (3_605.0, "1 h"),
            (100_000.0, "1 d 3 h"),
            (-1.0, "0 s"),
            (f64::NAN, "0 s"),
        ];
        spans.into_iter().for_each(|(secs, text)| assert_eq!(span(secs), text));
        let amounts =
            [(0, "0"), (23_500_000, "0.0235"), (60_000_000_000, "60"), (1, "0.000000001")];
        amounts.into_iter().for_each(|(nanogrin, text)| assert_eq!(grin(nanogrin), text));
        assert_eq!(many(1, "address"), "1 address");
        assert_eq!(many(0, "address"), "0 addresses");
    }
}
