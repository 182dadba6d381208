//! `scape push`.

use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use super::CliError;
use super::args::Global;
use super::read::Source;
use super::remote::{Api, Remote};

/// The answer of `push --json`.
#[derive(Serialize)]
struct PushedView {
    /// The excesses of the kernels, by which the transaction is found again.
    kernels: Vec<String>,
}

pub(super) async fn run(global: &Global, file: &Path, fluff: bool) -> Result<(), CliError> {
    let config = global.config()?;
    let node = Remote::new(global, &config, Api::Foreign)?;
    let tx = Source::read(file)?.transaction(&config.consensus())?;
    let _: Value = node.call("push_transaction", json!([tx.to_json(), fluff])).await?;
    let kernels = tx.kernels().iter().map(|kernel| kernel.excess().to_string()).collect();
    let view = PushedView { kernels };
    global.show(&view, |_| view.kernels.join("\n"))
}
