//! `scape top`: a running node, live. [`State`] and [`draw()`] know no clock, terminal or node;
//! here they meet them.

mod draw;
mod panes;
mod state;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::io::{self, IsTerminal};
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::CliError;
use super::args::{Global, TopArgs};
use super::remote::{Api, Remote};
use draw::draw;
use state::{Flow, Snapshot, State};

/// Countdowns run between two looks, too.
const REDRAW: Duration = Duration::from_millis(500);

type Look = Result<Snapshot, String>;

pub(super) async fn run(global: &Global, args: TopArgs) -> Result<(), CliError> {
    let node = Remote::new(global, &global.config()?, Api::Owner)?;
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(CliError::NoTerminal);
    }
    let stop = stop_signal()?;
    // A panic restores the terminal, too: this sets a hook that does.
    let mut terminal = ratatui::try_init().map_err(CliError::Terminal)?;
    let outcome = watch(&mut terminal, node, Duration::from_secs_f64(args.interval), stop).await;
    let restored = ratatui::try_restore().map_err(CliError::Terminal);
    outcome.and(restored)
}

async fn watch(
    terminal: &mut DefaultTerminal,
    node: Remote,
    every: Duration,
    stop: impl Future<Output = ()>,
) -> Result<(), CliError> {
    let mut state = State::new(node.url());
    let (mut events, (mut looks, looking)) = (read_events(), look_at(node, every));
    let mut redraw = interval(REDRAW);
    redraw.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tokio::pin!(stop);
    let start = now();
    let outcome = loop {
        if let Err(error) = terminal.draw(|frame| draw(frame, &state)) {
            break Err(CliError::Terminal(error));
        }
        tokio::select! {
            () = &mut stop => break Ok(()),
            event = events.recv() => match event {
                Some(Ok(Event::Key(key))) if state.handle_key(key) == Flow::End => break Ok(()),
                Some(Ok(_)) => {}
                Some(Err(error)) => break Err(CliError::Terminal(error)),
                None => break Ok(()),
            },
            Some(look) = looks.recv() => state.handle_look(look),
            _ = redraw.tick() => {}
        }
        state.handle_time(start.elapsed());
    };
    looking.abort();
    outcome
}

/// Reads keys on a thread of its own, which ends with the process.
fn read_events() -> mpsc::Receiver<io::Result<Event>> {
    let (sender, receiver) = mpsc::channel(64);
    std::thread::spawn(move || {
        loop {
            let event = event::read();
            let is_end = event.is_err();
            if sender.blocking_send(event).is_err() || is_end {
                return;
            }
        }
    });
    receiver
}

/// Looks at the node again and again, whatever comes of it.
fn look_at(node: Remote, every: Duration) -> (mpsc::Receiver<Look>, tokio::task::JoinHandle<()>) {
    let (sender, receiver) = mpsc::channel(1);
    let looking = tokio::spawn(async move {
        while sender.send(look(&node).await.map_err(|error| error.to_string())).await.is_ok() {
            sleep(every).await;
        }
    });
    (receiver, looking)
}

async fn look(node: &Remote) -> Result<Snapshot, CliError> {
    Ok(Snapshot {
        status: node.call("get_status", json!([])).await?,
        peers: node.call("get_connected_peers", json!([])).await?,
        transactions: node.call("get_transactions", json!([])).await?,
    })
}

/// Resolves when the process is told to end, or its terminal goes away.
fn stop_signal() -> Result<impl Future<Output = ()>, CliError> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangup = signal(SignalKind::hangup()).map_err(CliError::Runtime)?;
    let stop = super::run::stop_signal()?;
    Ok(async move {
        tokio::select! {
            _ = hangup.recv() => {}
            () = stop => {}
        }
    })
}

#[expect(clippy::disallowed_methods, reason = "here the view meets the clock")]
fn now() -> Instant {
    Instant::now()
}
