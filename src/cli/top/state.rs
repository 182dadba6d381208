//! What is known of the node, and what of it is looked at.

use std::time::Duration;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use scape::api::view::{PeerView, StatusView, TransactionView};

/// What a look at the node shows.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Snapshot {
    pub(super) status: StatusView,
    pub(super) peers: Vec<PeerView>,
    pub(super) transactions: Vec<TransactionView>,
}

/// All that decides what is drawn.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct State {
    /// Where the node is.
    pub(super) url: String,
    /// The last look that succeeded.
    pub(super) snapshot: Option<Snapshot>,
    /// Why the last look failed, if it did.
    pub(super) trouble: Option<String>,
    pub(super) is_paused: bool,
    pub(super) is_help: bool,
    pub(super) focus: Pane,
    /// The first lines that are shown of the lists.
    pub(super) peers_from: usize,
    pub(super) transactions_from: usize,
    /// Since the view was started.
    now: Duration,
    /// When the snapshot was taken.
    taken: Duration,
}

/// A list that can be scrolled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pane {
    Peers,
    Transactions,
}

/// Whether it goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flow {
    On,
    End,
}

/// Lines of a page, whatever the size of the terminal.
const PAGE: usize = 10;

impl State {
    /// Nothing is known yet.
    pub(super) fn new(url: String) -> Self {
        Self {
            url,
            snapshot: None,
            trouble: None,
            is_paused: false,
            is_help: false,
            focus: Pane::Peers,
            peers_from: 0,
            transactions_from: 0,
            now: Duration::ZERO,
            taken: Duration::ZERO,
        }
    }

    /// Takes what a look came to. While it is paused the picture stays.
    pub(super) fn handle_look(&mut self, look: Result<Snapshot, String>) {
        if self.is_paused {
            return;
        }
        match look {
            Ok(snapshot) => {
                self.peers_from = self.peers_from.min(last(&snapshot.peers));
                self.transactions_from = self.transactions_from.min(last(&snapshot.transactions));
                (self.snapshot, self.trouble, self.taken) = (Some(snapshot), None, self.now);
            }
            Err(why) => self.trouble = Some(why),
        }
    }

    /// Tells how long the view has been running.
    pub(super) fn handle_time(&mut self, now: Duration) {
        if self.is_paused {
            self.taken += now.saturating_sub(self.now);
        }
        self.now = now;
    }

    /// Takes a key.
    pub(super) fn handle_key(&mut self, key: KeyEvent) -> Flow {
        if key.kind == KeyEventKind::Release {
            return Flow::On;
        }
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if is_control => return Flow::End,
            // It covers the rest: any key takes it away.
            _ if self.is_help => self.is_help = false,
            KeyCode::Char('q') | KeyCode::Esc => return Flow::End,
            KeyCode::Char('?' | 'h') | KeyCode::F(1) => self.is_help = true,
            KeyCode::Char('p' | ' ') => self.is_paused = !self.is_paused,
            KeyCode::Tab | KeyCode::BackTab | KeyCode::Left | KeyCode::Right => self.switch(),
            KeyCode::Up | KeyCode::Char('k') => self.scroll(|from| from.saturating_sub(1)),
            KeyCode::Down | KeyCode::Char('j') => self.scroll(|from| from + 1),
            KeyCode::PageUp => self.scroll(|from| from.saturating_sub(PAGE)),
            KeyCode::PageDown => self.scroll(|from| from + PAGE),
            KeyCode::Home => self.scroll(|_| 0),
            KeyCode::End => self.scroll(|_| usize::MAX),
            _ => {}
        }
        Flow::On
    }

    fn switch(&mut self) {
        self.focus = match self.focus {
            Pane::Peers => Pane::Transactions,
            Pane::Transactions => Pane::Peers,
        };
    }

    fn scroll(&mut self, to: impl FnOnce(usize) -> usize) {
        let Some(snapshot) = &self.snapshot else { return };
        let (from, last) = match self.focus {
            Pane::Peers => (&mut self.peers_from, last(&snapshot.peers)),
            Pane::Transactions => (&mut self.transactions_from, last(&snapshot.transactions)),
        };
        *from = to(*from).min(last);
    }

    /// What is left of a time that was left when the snapshot was taken.
    pub(super) fn left(&self, secs: f64) -> f64 {
        (secs - self.age()).max(0.0)
    }

    /// How old something is that had an age when the snapshot was taken.
    pub(super) fn aged(&self, secs: f64) -> f64 {
        secs + self.age()
    }

    fn age(&self) -> f64 {
        self.now.saturating_sub(self.taken).as_secs_f64()
    }
}

fn last<T>(list: &[T]) -> usize {
    list.len().saturating_sub(1)
}
