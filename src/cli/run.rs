//! `scape run`, and what the whole process of it needs.

use std::future::Future;
use std::sync::Arc;

use scape::api::{Origin, SetFilter};
use scape::log::{self, LogConfig};

use super::args::Global;
use super::{CliError, entropy};

pub(super) async fn run(global: &Global) -> Result<(), CliError> {
    let config = global.config()?;
    // Written to its end when it goes, after everything else.
    let _log = log::start(&LogConfig::of(&config)?)?;
    let set_filter: SetFilter =
        Arc::new(|filter| log::set_filter(filter).map_err(|error| error.to_string()));
    let set_filter = (!log::is_from_environment()).then_some(set_filter);
    let origin = Origin { path: global.config_file(), set_filter };
    let outcome = scape::run::run(&config, origin, entropy(), stop_signal()?).await;
    if let Err(error) = &outcome {
        tracing::error!(%error, "the node does not run");
    }
    Ok(outcome?)
}

/// Resolves on SIGINT or SIGTERM, or when the terminal goes away.
pub(super) fn stop_signal() -> Result<impl Future<Output = ()>, CliError> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).map_err(CliError::Runtime);
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
