#[path = "../../../tests/cli/view.rs"]
mod view;

use std::collections::BTreeMap;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Color;
use scape::api::view::{
    ChainSourceView, ChainStateView, LinkView, PeerView, StatusView, StemView, TransactionState,
    TransactionView,
};

use super::draw::draw;
use super::state::{Flow, Pane, Snapshot, State};

/// With as many peers and embargoes as need more room than there is.
fn status() -> StatusView {
    let status = view::status();
    StatusView {
        connections: 12,
        relays: vec!["203.0.113.0:3414".to_owned()],
        stem: StemView {
            embargo_secs_left: (1..9).map(|at| 100.0 * f64::from(at)).collect(),
            relayed: BTreeMap::from([(1, 120), (2, 30), (7, 5)]),
            ..status.stem
        },
        ..status
    }
}

fn peers() -> Vec<PeerView> {
    let peer = |at: u16| PeerView {
        zone: "clearnet".to_owned(),
        addr: format!("203.0.113.{at}:3414"),
        direction: if at.is_multiple_of(3) { "Outbound" } else { "Inbound" }.to_owned(),
        user_agent: "MW/Grin 5.5.2".to_owned(),
        version: 1_000,
        capabilities: 15,
        link: if at.is_multiple_of(3) { LinkView::Encrypted } else { LinkView::Plain },
        height: (at != 1).then_some(3_456_789),
        total_difficulty: None,
        relay: at == 0,
        connected_secs: 400.0,
    };
    (0..12).map(peer).collect()
}

fn transactions() -> Vec<TransactionView> {
    let states = [
        TransactionState::Waiting,
        TransactionState::Accepted,
        TransactionState::InStem { parts: 3, embargo_secs_left: Some(100.0) },
        TransactionState::Fluffed { parts: 1, reason: "coin".to_owned() },
        TransactionState::Seen,
        TransactionState::Mined { height: 3_456_780 },
        TransactionState::Conflicted { by: Some("0833".repeat(16)) },
        TransactionState::Dropped { reason: "it waited too long".to_owned() },
    ];
    let tx = |(at, state): (usize, TransactionState)| TransactionView {
        kernels: vec![format!("08{at:064}")],
        age_secs: 90.0,
        state,
    };
    states.into_iter().enumerate().map(tx).collect()
}

fn snapshot() -> Snapshot {
    Snapshot { status: status(), peers: peers(), transactions: transactions() }
}

fn watching() -> State {
    let mut state = State::new("http://127.0.0.1:3419".to_owned());
    state.handle_look(Ok(snapshot()));
    state
}

fn picture(state: &State, width: u16, height: u16) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("no terminal");
    terminal.draw(|frame| draw(frame, state)).expect("drawn");
    terminal
}

/// The picture as text, without spaces at the ends of lines.
fn text(state: &State, width: u16, height: u16) -> String {
    let terminal = picture(state, width, height);
    let cells = terminal.backend().buffer().content();
    let line = |cells: &[ratatui::buffer::Cell]| {
        let line: String = cells.iter().map(|cell| cell.symbol()).collect();
        format!("{}\n", line.trim_end())
    };
    cells.chunks(usize::from(width.max(1))).map(line).collect()
}

fn press(state: &mut State, keys: &[KeyCode]) -> Flow {
    keys.iter().fold(Flow::On, |_, key| state.handle_key(KeyEvent::from(*key)))
}

/// Compares with a file beside this one. `SCAPE_TEST_WRITE=1` writes it anew, to be looked at.
fn assert_picture(name: &str, text: &str) {
    let path = format!("{}/src/cli/top/pictures/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("SCAPE_TEST_WRITE").is_some() {
        std::fs::write(&path, text).expect("written");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{name} looks different:\n{text}");
}

#[test]
fn everything_fits_on_a_usual_terminal() {
    assert_picture("usual", &text(&watching(), 80, 24));
    assert_picture("large", &text(&watching(), 132, 50));
}

#[test]
fn less_is_shown_where_there_is_less_room() {
    let mut state = watching();
    assert_picture("narrow", &text(&state, 40, 24));
    assert_picture("low", &text(&state, 80, 15));
    press(&mut state, &[KeyCode::Tab]);
    assert_picture("tiny", &text(&state, 40, 8));
}

#[test]
fn no_room_is_too_small() {
    let mut state = watching();
    for is_help in [false, true] {
        state.is_help = is_help;
        for width in [0, 1, 2, 5, 17, 27, 28, 29, 40, 49, 50, 63, 64, 65, 150] {
            for height in [0, 1, 2, 3, 4, 5, 9, 15, 16, 22, 23, 24] {
                text(&state, width, height);
            }
        }
    }
    text(&State::new(String::new()), 1, 1);
}

#[test]
fn help_covers_the_rest_until_a_key() {
    let mut state = watching();
    press(&mut state, &[KeyCode::Char('?')]);
    assert_picture("help", &text(&state, 80, 24));
    assert_eq!(press(&mut state, &[KeyCode::Char('q')]), Flow::On);
    assert_eq!(state, watching());
}

#[test]
fn a_node_that_is_not_there_is_waited_for() {
    let mut state = State::new("http://127.0.0.1:3419".to_owned());
    let asking = text(&state, 80, 24);
    assert!(asking.contains("asking the node at http://127.0.0.1:3419"), "{asking}");
    let why = "no node answers at http://127.0.0.1:3419";
    state.handle_look(Err(why.to_owned()));
    let retrying = text(&state, 80, 24);
    assert!(retrying.contains("node not reachable, retrying"), "{retrying}");
    assert!(retrying.contains(why), "{retrying}");
    state.handle_look(Ok(snapshot()));
    assert_eq!(text(&state, 80, 24), text(&watching(), 80, 24));
    // What was seen last stays, with the reason below.
    state.handle_look(Err(why.to_owned()));
    let stale = text(&state, 80, 24);
    assert!(stale.contains("mainnet at 3,456,789"), "{stale}");
    assert!(stale.ends_with(&format!("node not reachable, retrying: {why}\n")), "{stale}");
}

#[test]
fn clocks_run_between_two_looks() {
    let mut state = watching();
    state.handle_time(Duration::from_secs(5));
    let later = text(&state, 80, 24);
    assert!(later.contains("patience  2 s"), "{later}");
    assert!(later.contains("relay     for 8 min 15 s"), "{later}");
    assert!(later.contains("embargo   1 min 35 s"), "{later}");
    assert!(later.contains("up 1 d 2 h"), "{later}");
    state.handle_time(Duration::from_secs(500));
    assert!(text(&state, 80, 24).contains("embargo   0 s"));
    state.handle_look(Ok(snapshot()));
    assert!(text(&state, 80, 24).contains("patience  7 s"));
}

#[test]
fn a_pause_keeps_the_picture() {
    let mut state = watching();
    press(&mut state, &[KeyCode::Char('p')]);
    let paused = text(&state, 80, 24);
    assert!(paused.contains(" paused "), "{paused}");
    state.handle_time(Duration::from_secs(60));
    state.handle_look(Err("gone".to_owned()));
    state.handle_look(Ok(Snapshot { peers: Vec::new(), ..snapshot() }));
    assert_eq!(text(&state, 80, 24), paused);
    press(&mut state, &[KeyCode::Char('p')]);
    state.handle_look(Ok(Snapshot { peers: Vec::new(), ..snapshot() }));
    assert!(text(&state, 80, 24).contains("0 connections"));
}

#[test]
fn lists_are_scrolled_and_no_further_than_they_are_long() {
    let mut state = watching();
    let first_peer = |state: &State| {
        let text = text(state, 80, 24);
        let line = text.lines().find(|line| line.contains(":3414")).expect("a peer").to_owned();
        line.split_whitespace().next().expect("an address").to_owned()
    };
    assert_eq!(first_peer(&state), "203.0.113.0:3414");
    press(&mut state, &[KeyCode::Down, KeyCode::Char('j'), KeyCode::Up]);
    assert_eq!(first_peer(&state), "203.0.113.1:3414");
    press(&mut state, &[KeyCode::End, KeyCode::PageDown]);
    let end = text(&state, 80, 24);
    assert!(end.contains("203.0.113.11:3414"), "{end}");
    press(&mut state, &[KeyCode::Home]);
    assert_eq!(first_peer(&state), "203.0.113.0:3414");

    press(&mut state, &[KeyCode::Tab, KeyCode::End]);
    assert_eq!((state.focus, state.peers_from), (Pane::Transactions, 0));
    assert!(text(&state, 80, 24).contains("it waited too long"));
    state.handle_look(Ok(Snapshot { transactions: Vec::new(), ..snapshot() }));
    assert!(text(&state, 80, 24).contains("0 transactions of the owner"));
    press(&mut state, &[KeyCode::BackTab]);
    assert_eq!(state.focus, Pane::Peers);
}

#[test]
fn it_ends_when_it_is_told_to() {
    let press = |code, modifiers| watching().handle_key(KeyEvent::new(code, modifiers));
    assert_eq!(press(KeyCode::Char('q'), KeyModifiers::NONE), Flow::End);
    assert_eq!(press(KeyCode::Esc, KeyModifiers::NONE), Flow::End);
    assert_eq!(press(KeyCode::Char('c'), KeyModifiers::CONTROL), Flow::End);
    assert_eq!(press(KeyCode::Char('c'), KeyModifiers::NONE), Flow::On);
    assert_eq!(press(KeyCode::Char('x'), KeyModifiers::NONE), Flow::On);
}

#[test]
fn the_relay_and_what_is_lost_catch_the_eye() {
    let terminal = picture(&watching(), 80, 24);
    let buffer = terminal.backend().buffer();
    let colour = |text: &str| {
        let cells = buffer.content();
        let line = cells.chunks(80).find(|cells| {
            cells.iter().map(|cell| cell.symbol()).collect::<String>().contains(text)
        });
        line.expect(text)[0].fg
    };
    assert_eq!(colour("203.0.113.0:3414"), Color::Green);
    assert_eq!(colour("203.0.113.1:3414"), Color::Reset);
    assert_eq!(colour("waiting"), Color::Yellow);
    let mut state = watching();
    let source = ChainSourceView::Grin {
        url: "http://127.0.0.1:3413".to_owned(),
        state: ChainStateView::Away { secs: 70.0, reason: "connection refused".to_owned() },
    };
    let status = StatusView { chain_source: source, ..status() };
    state.handle_look(Ok(Snapshot { status, ..snapshot() }));
    let away = text(&state, 80, 24);
    assert!(away.contains("away for 1 min 10 s: connection"), "{away}");
}

#[test]
fn nothing_of_others_reaches_the_terminal_unseen() {
    let mut state = watching();
    let mut rude = snapshot();
    rude.peers[0].user_agent = "\u{1b}[2J\u{9b}31m".to_owned();
    state.handle_look(Ok(rude));
    let text = text(&state, 100, 24);
    assert!(text.contains("\u{fffd}[2J\u{fffd}31m"), "{text}");
}
