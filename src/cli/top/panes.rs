//! What is in each part of the picture.

use std::collections::BTreeMap;

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Row, Table};
use scape::api::view::{
    LinkView, PeerView, StatusView, StemView, TransactionState, TransactionView,
};

use super::draw::{BAD, DIM, GOOD, WARN, shown, titled};
use super::state::{Pane, State};
use crate::cli::output::harmless;
use crate::cli::words::{grouped, many, short, span, state_detail, state_name};

/// The sizes of aggregates that are counted together, up to the last of each.
const BUCKETS: [(usize, &str); 6] =
    [(1, "1"), (2, "2"), (4, "3-4"), (8, "5-8"), (16, "9-16"), (usize::MAX, "17+")];

/// Below this width a list has no room for times.
const NARROW: u16 = 50;
/// An address of IPv4 with a port, and one of IPv6.
const SHORT_ADDR: u16 = 21;
const LONG_ADDR: u16 = 47;

/// The connections. Where it is narrow, what matters least goes.
pub(super) fn peers(frame: &mut Frame<'_>, area: Rect, state: &State, peers: &[PeerView]) {
    let (from, room) = window(state.peers_from, peers.len(), area);
    let rows = peers.iter().skip(from).take(room).map(|peer| {
        let (way, style) = match (peer.relay, peer.direction.as_str()) {
            (true, _) => ("relay", GOOD),
            (false, "Outbound") => ("out", Style::new()),
            (false, _) => ("in", Style::new()),
        };
        Row::new([
            harmless(&peer.addr),
            format!("{way}{}", mark(peer.link)),
            peer.height.map_or("?".to_owned(), grouped),
            span(state.aged(peer.connected_secs)),
            harmless(&peer.user_agent),
        ])
        .style(style)
    });
    let addr = peers.iter().map(|peer| peer.addr.chars().count()).max().unwrap_or(0);
    let addr = u16::try_from(addr).unwrap_or(u16::MAX).clamp(SHORT_ADDR, LONG_ADDR);
    let widths = [
        Constraint::Length(addr),
        Constraint::Length(6),
        Constraint::Length(9),
        Constraint::Length(if area.width < NARROW { 0 } else { 11 }),
        Constraint::Fill(1),
    ];
    let title = shown(peers.len(), "connection", from, room);
    let header = Row::new(["address", "way", "height", "up", "agent"]).style(DIM);
    let block = titled(title, state.focus == Pane::Peers);
    frame.render_widget(Table::new(rows, widths).header(header).block(block), area);
}

/// What is said of a link beside its way.
fn mark(link: LinkView) -> &'static str {
    match link {
        LinkView::Plain => "",
        LinkView::Encrypted => "+",
        LinkView::Downgraded | LinkView::KeyChanged => "!",
    }
}

/// The owner's transactions.
pub(super) fn own(frame: &mut Frame<'_>, area: Rect, state: &State, own: &[TransactionView]) {
    let (from, room) = window(state.transactions_from, own.len(), area);
    let rows = own.iter().skip(from).take(room).map(|tx| {
        let style = match tx.state {
            TransactionState::Mined { .. } => GOOD,
            TransactionState::Waiting | TransactionState::WaitingForPeer => WARN,
            TransactionState::Conflicted { .. } | TransactionState::Dropped { .. } => BAD,
            _ => Style::new(),
        };
        Row::new([
            tx.kernels.first().map(|kernel| short(kernel)).unwrap_or_default(),
            state_name(&tx.state).to_owned(),
            span(state.aged(tx.age_secs)),
            state_detail(&counted_down(&tx.state, state)),
        ])
        .style(style)
    });
    let widths = [
        Constraint::Length(17),
        Constraint::Length(10),
        Constraint::Length(if area.width < NARROW { 0 } else { 11 }),
        Constraint::Fill(1),
    ];
    let title = shown(own.len(), "transaction of the owner", from, room);
    let header = Row::new(["kernel", "state", "age", ""]).style(DIM);
    let block = titled(title, state.focus == Pane::Transactions);
    frame.render_widget(Table::new(rows, widths).header(header).block(block), area);
}

/// The same with what is left of its embargo by now.
fn counted_down(tx: &TransactionState, state: &State) -> TransactionState {
    match tx {
        TransactionState::InStem { parts, embargo_secs_left } => TransactionState::InStem {
            parts: *parts,
            embargo_secs_left: embargo_secs_left.map(|secs| state.left(secs)),
        },
        other => other.clone(),
    }
}

/// The first line of a list that is shown, and how many are: below the title and the header, and
/// without empty lines at the end.
fn window(from: usize, count: usize, area: Rect) -> (usize, usize) {
    let room = usize::from(area.height.saturating_sub(2));
    (from.min(count.saturating_sub(room)), room)
}

/// What comes when.
pub(super) fn clocks(frame: &mut Frame<'_>, area: Rect, state: &State, status: &StatusView) {
    let stem = &status.stem;
    let patience = match stem.patience_secs_left {
        Some(secs) => span(state.left(secs)),
        None => "nothing waits".to_owned(),
    };
    let epoch = match status.relays.is_empty() {
        true => Span::styled("none", BAD),
        false => Span::raw(format!("for {}", span(state.left(status.epoch_secs_left)))),
    };
    let mut lines = vec![named("patience", patience), named("relay", epoch)];
    let room = usize::from(area.height.saturating_sub(1)).saturating_sub(lines.len());
    let embargoes = &stem.embargo_secs_left;
    let kept = if embargoes.len() > room { room.saturating_sub(1) } else { room };
    let left = embargoes.iter().take(kept).map(|secs| span(state.left(*secs)));
    lines.extend(left.map(|left| named("embargo", left)));
    match embargoes.len() {
        0 => lines.push(named("embargo", "none".to_owned())),
        count if count > kept => lines.push(named("", format!("and {} more", count - kept))),
        _ => {}
    }
    frame.render_widget(Paragraph::new(lines).block(titled("clocks".to_owned(), false)), area);
}

/// Aggregates by size: those relayed and those fluffed, one behind the other.
pub(super) fn sizes(frame: &mut Frame<'_>, area: Rect, stem: &StemView) {
    let (relayed, fluffed) = (bucketed(&stem.relayed), bucketed(&stem.fluffed));
    let counts = relayed.iter().zip(&fluffed);
    let most = counts.clone().map(|(a, b)| a + b).max().unwrap_or(0);
    // Beside the bar there are its size and its figures.
    let width = u64::from(area.width.saturating_sub(28));
    let lines = BUCKETS.iter().zip(counts).map(|((_, name), (relayed, fluffed))| {
        let mut spans = vec![Span::styled(format!("{name:>5} "), DIM)];
        spans.push(Span::styled("▓".repeat(length(*relayed, most, width)), GOOD));
        spans.push(Span::styled("░".repeat(length(*fluffed, most, width)), WARN));
        if relayed + fluffed > 0 {
            let figures = format!(" {} relayed {} fluffed", grouped(*relayed), grouped(*fluffed));
            spans.push(Span::raw(figures));
        }
        Line::from(spans)
    });
    let title = format!("aggregates, {} cut through", many(stem.cut_through, "output"));
    let chart = Paragraph::new(lines.collect::<Vec<_>>());
    frame.render_widget(chart.block(titled(title, false)), area);
}

/// Why this node fluffed, the most frequent reason first.
pub(super) fn reasons(frame: &mut Frame<'_>, area: Rect, stem: &StemView) {
    let mut reasons: Vec<_> = stem.fluff_reasons.iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let mut lines: Vec<_> =
        reasons.iter().map(|(reason, count)| named(&harmless(reason), grouped(**count))).collect();
    if lines.is_empty() {
        lines.push(Line::styled("none yet", DIM));
    }
    frame.render_widget(Paragraph::new(lines).block(titled("fluffed by".to_owned(), false)), area);
}

fn named<'t>(name: &str, what: impl Into<Span<'t>>) -> Line<'t> {
    Line::from(vec![Span::styled(format!("{name:<10}"), DIM), what.into()])
}

fn bucketed(sizes: &BTreeMap<usize, u64>) -> [u64; BUCKETS.len()] {
    let mut counts = [0; BUCKETS.len()];
    for (size, count) in sizes {
        let bucket = BUCKETS.iter().position(|(last, _)| size <= last);
        if let Some(total) = bucket.and_then(|bucket| counts.get_mut(bucket)) {
            *total += count;
        }
    }
    counts
}

/// What is there is seen, however little it is.
fn length(count: u64, most: u64, width: u64) -> usize {
    let share = u128::from(count) * u128::from(width) / u128::from(most.max(1));
    usize::try_from(share).unwrap_or(0).max(usize::from(count > 0))
}
