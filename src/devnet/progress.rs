use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use scape_aggregate::Transaction;
use scape_pool::{ChainUpdate, Notice};

use super::stats::{Stats, Summary};
use crate::chain::DevLedger;

/// Shows how it goes: a live bar on a terminal, now and then a line elsewhere.
pub(super) struct Progress {
    expected: usize,
    stats: Stats,
    bar: ProgressBar,
    /// What was shown last, where there is no terminal.
    shown: Option<usize>,
}

impl Progress {
    pub(super) fn new(expected: usize) -> Self {
        let bar = match stderr().is_terminal() {
            true => ProgressBar::new(expected as u64),
            false => ProgressBar::hidden(),
        };
        let style = "{spinner} {elapsed} mined {pos}/{len} {wide_bar} \n  {msg}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { expected, stats: Stats::default(), bar, shown: None }
    }

    pub(super) fn pushed(&mut self, tx: &Transaction) {
        self.stats.pushed(tx);
    }

    pub(super) fn block(&mut self, update: &ChainUpdate) {
        self.stats.block(update);
    }

    pub(super) fn notice(&mut self, notice: &Notice) {
        self.stats.notice(notice);
    }

    pub(super) fn is_done(&self, ledger: &DevLedger) -> bool {
        self.stats.pushed_count() == self.expected && self.stats.mined(ledger) == self.expected
    }

    pub(super) fn share_mined(&self, ledger: &DevLedger) -> f64 {
        self.stats.mined(ledger) as f64 / self.expected.max(1) as f64
    }

    pub(super) fn reorgs(&self) -> usize {
        self.stats.reorgs()
    }

    pub(super) fn show(&mut self, ledger: &DevLedger) {
        let mined = self.stats.mined(ledger);
        self.bar.set_position(mined as u64);
        self.bar.set_message(format!(
            "pushed {}, {}",
            self.stats.pushed_count(),
            self.stats.line()
        ));
        if self.bar.is_hidden() && self.shown != Some(mined) {
            self.shown = Some(mined);
            eprintln!("mined {mined}/{}: {}", self.expected, self.stats.line());
        }
    }

    pub(super) fn finish(&self, ledger: &DevLedger) -> Summary {
        self.bar.finish_and_clear();
        self.stats.summary(ledger)
    }
}
