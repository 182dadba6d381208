//! `scape tx` and `scape fluff`: the owner's transactions.

use scape::api::view::{TransactionState, TransactionView};
use serde_json::{Value, json};

use super::CliError;
use super::args::{Excess, Global};
use super::output::{Cell, Facts, Paint, Table, harmless};
use super::remote::{Api, Remote};
use super::words::{short, span, state_detail, state_name};

/// All of the owner's, or the one with this kernel.
pub(super) async fn run(global: &Global, kernel: Option<Excess>) -> Result<(), CliError> {
    let node = Remote::new(global, &global.config()?, Api::Owner)?;
    match kernel {
        None => {
            let all: Vec<TransactionView> = node.call("get_transactions", json!([])).await?;
            global.show(&all, |paint| list(&all, paint))
        }
        Some(Excess(excess)) => {
            let params = json!([excess.to_string()]);
            let tx: TransactionView = node.call("get_transaction", params).await?;
            global.show(&tx, |paint| one(&tx, paint))
        }
    }
}

/// Fluffs the one with this kernel.
pub(super) async fn fluff(global: &Global, Excess(kernel): Excess) -> Result<(), CliError> {
    let node = Remote::new(global, &global.config()?, Api::Owner)?;
    let answer: Value = node.call("fluff_transaction", json!([kernel.to_string()])).await?;
    global.show(&answer, |_| "fluffed".to_owned())
}

fn list(all: &[TransactionView], paint: Paint) -> String {
    if all.is_empty() {
        return "no transactions of the owner".to_owned();
    }
    let mut table = Table::new(["kernel", "pushed", "state", ""], paint);
    for tx in all {
        let kernel = tx.kernels.first().map_or("", String::as_str);
        let more = match tx.kernels.len() {
            0 | 1 => String::new(),
            kernels => format!(" +{}", kernels - 1),
        };
        table.add([
            format!("{}{more}", harmless(kernel)).into(),
            format!("{} ago", span(tx.age_secs)).into(),
            state(tx, paint),
            short_detail(tx).into(),
        ]);
    }
    table.to_string()
}

/// The state in its colour: what is settled, what needs a look, what is lost.
fn state(tx: &TransactionView, paint: Paint) -> Cell {
    Cell::painted(state_name(&tx.state), |text| match tx.state {
        TransactionState::Mined { .. } => paint.good(text),
        TransactionState::Waiting | TransactionState::WaitingForPeer => paint.warn(text),
        TransactionState::Conflicted { .. } | TransactionState::Dropped { .. } => paint.bad(text),
        _ => text.to_owned(),
    })
}

fn short_detail(tx: &TransactionView) -> String {
    match &tx.state {
        TransactionState::Conflicted { by: Some(by) } => format!("by {}", short(by)),
        state => state_detail(state),
    }
}

fn one(tx: &TransactionView, paint: Paint) -> String {
    let mut facts = Facts::default();
    for kernel in &tx.kernels {
        facts.add("kernel", harmless(kernel));
    }
    facts.add("pushed", format_args!("{} ago", span(tx.age_secs)));
    facts.add("state", format_args!("{}, {}", state_name(&tx.state), state_detail(&tx.state)));
    facts.show(paint)
}
