//! The picture of a [`State`], in whatever room there is.

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Clear, Paragraph, Wrap};

use super::panes;
use super::state::{Pane, Snapshot, State};
use crate::cli::output::harmless;
use crate::cli::words::{grouped, journal, many, pools, source, span};

pub(super) const GOOD: Style = Style::new().fg(Color::Green);
pub(super) const WARN: Style = Style::new().fg(Color::Yellow);
pub(super) const BAD: Style = Style::new().fg(Color::Red);
pub(super) const DIM: Style = Style::new().add_modifier(Modifier::DIM);
const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
const REVERSED: Style = Style::new().add_modifier(Modifier::REVERSED);

/// Below this width panes are not side by side.
const TWO_COLUMNS: u16 = 64;
/// Below this height the middle row of panes goes.
const THREE_ROWS: u16 = 19;
/// Below this height only the list is shown that has the focus.
const TWO_ROWS: u16 = 12;
const SIDE: u16 = 28;
const MIDDLE: u16 = 7;

const KEYS: &str = "q quit  Tab list  ↑↓ scroll  p pause  ? help";

const HELP: &str = "\
q, Esc, Ctrl-C   quit
Tab, ← →         the other list
↑ ↓, PgUp PgDn   scroll it
p, Space         pause, go on
?                this

A relay gets what this node stems.
Marks: + encrypted, ! not as it was before.
Patience: how long the stempool waits
for company before it sends.
Embargo: when a transaction is fluffed
here if nobody has fluffed it before.
Aggregates by size: relayed ▓, fluffed ░.";

/// Draws everything anew.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State) {
    let [head, body, foot] = rows(frame.area());
    match &state.snapshot {
        Some(snapshot) => {
            frame.render_widget(Paragraph::new(status(state, snapshot)), head);
            draw_panes(frame, body, state, snapshot);
        }
        None => frame.render_widget(waiting(state), body),
    }
    frame.render_widget(footer(state), foot);
    if state.is_help {
        draw_help(frame);
    }
}

/// Two lines of status and one of keys, as far as there is room.
fn rows(area: Rect) -> [Rect; 3] {
    let constraints = [Constraint::Max(3), Constraint::Fill(1), Constraint::Max(1)];
    Layout::vertical(constraints).areas(area)
}

fn status(state: &State, snapshot: &Snapshot) -> Vec<Line<'static>> {
    let status = &snapshot.status;
    let (is_ready, source) = source(&status.chain_source);
    let (is_safe, journal) = journal(&status.journal);
    let good_or = |good: bool, style: Style| if good { Style::new() } else { style };
    let mut first = vec![
        Span::styled(format!("scape {}", harmless(&status.version)), BOLD),
        Span::raw(format!("  {} at ", harmless(&status.chain))),
        Span::styled(grouped(status.tip.height), BOLD),
        Span::raw(format!("  up {}", span(state.aged(status.uptime_secs)))),
        Span::raw(format!("  preset {}", harmless(&status.preset))),
    ];
    if status.sync_status != "no_sync" {
        first.push(Span::styled(format!("  {}", harmless(&status.sync_status)), WARN));
    }
    let second = vec![
        Span::styled("chain ", DIM),
        Span::styled(source, good_or(is_ready, BAD)),
        Span::styled("  journal ", DIM),
        Span::styled(journal, good_or(is_safe, BAD)),
    ];
    let third = vec![Span::styled("pools ", DIM), Span::raw(pools(&status.pools))];
    [first, second, third].map(Line::from).into()
}

fn draw_panes(frame: &mut Frame<'_>, area: Rect, state: &State, snapshot: &Snapshot) {
    let status = &snapshot.status;
    if area.height < TWO_ROWS {
        return match state.focus {
            Pane::Peers => panes::peers(frame, area, state, &snapshot.peers),
            Pane::Transactions => panes::own(frame, area, state, &snapshot.transactions),
        };
    }
    let middle = if area.height < THREE_ROWS { 0 } else { MIDDLE };
    let constraints = [Constraint::Fill(1), Constraint::Length(middle), Constraint::Fill(1)];
    let [top, middle, bottom] = Layout::vertical(constraints).areas(area);
    let side = if area.width < TWO_COLUMNS { 0 } else { SIDE };
    let columns = Layout::horizontal([Constraint::Fill(1), Constraint::Length(side)])
        .spacing(u16::from(side > 0));
    let [peers, clocks] = columns.areas(top);
    let [sizes, reasons] = columns.areas(middle);
    panes::peers(frame, peers, state, &snapshot.peers);
    panes::clocks(frame, clocks, state, status);
    panes::sizes(frame, sizes, &status.stem);
    panes::reasons(frame, reasons, &status.stem);
    panes::own(frame, bottom, state, &snapshot.transactions);
}

/// A block with a line above it that says what it is.
pub(super) fn titled(title: String, is_focused: bool) -> Block<'static> {
    let style = if is_focused { REVERSED } else { BOLD };
    let title = Span::styled(format!(" {title} "), style);
    Block::new().borders(Borders::TOP).border_style(DIM).title(title)
}

fn waiting(state: &State) -> Paragraph<'static> {
    let lines = match &state.trouble {
        None => vec![Line::from(format!("asking the node at {} …", state.url))],
        Some(why) => vec![
            Line::styled("node not reachable, retrying", BAD),
            Line::from(""),
            Line::from(harmless(why)),
        ],
    };
    Paragraph::new(lines).wrap(Wrap { trim: true }).alignment(Alignment::Center)
}

fn footer(state: &State) -> Line<'static> {
    let mut spans = Vec::new();
    if state.is_paused {
        spans.push(Span::styled(" paused ", REVERSED));
        spans.push(Span::raw(" "));
    }
    match (&state.trouble, &state.snapshot) {
        (Some(why), Some(_)) => {
            let text = format!("node not reachable, retrying: {}", harmless(why));
            spans.push(Span::styled(text, BAD));
        }
        _ => spans.push(Span::styled(KEYS, DIM)),
    }
    Line::from(spans)
}

fn draw_help(frame: &mut Frame<'_>) {
    let area = frame.area();
    let lines = HELP.lines().count() as u16;
    let width = HELP.lines().map(|line| line.chars().count()).max().unwrap_or(0) as u16;
    let [area] = Layout::vertical([Constraint::Max(lines + 2)])
        .flex(ratatui::layout::Flex::Center)
        .areas(area);
    let [area] = Layout::horizontal([Constraint::Max(width + 4)])
        .flex(ratatui::layout::Flex::Center)
        .areas(area);
    let block = Block::bordered().title(" Help ").padding(ratatui::widgets::Padding::horizontal(1));
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(HELP).block(block), area);
}

/// `12 connections`, or what of them is shown.
pub(super) fn shown(count: usize, one: &str, from: usize, room: usize) -> String {
    let all = many(count as u64, one);
    let to = (from + room).min(count);
    match room < count && from < to {
        true => format!("{all}, {} to {to}", from + 1),
        false => all,
    }
}
