use std::collections::BTreeMap;

use scape_pool::{FluffReason, Notice};

/// What the stem has done since the start. Private.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Tally {
    /// Aggregates that were handed to a relay, by how many transactions they were merged from.
    pub relayed: BTreeMap<usize, u64>,
    /// Aggregates that were fluffed here, by how many transactions they were merged from.
    pub fluffed: BTreeMap<usize, u64>,
    /// The same by reason.
    pub reasons: BTreeMap<FluffReason, u64>,
    /// Outputs that were cut through.
    pub cut_through: u64,
}

impl Tally {
    pub(super) fn handle_notice(&mut self, notice: &Notice) {
        let (sizes, parts, cut_through) = match *notice {
            Notice::Relayed { parts, cut_through, .. } => (&mut self.relayed, parts, cut_through),
            Notice::Fluffed { parts, cut_through, reason, .. } => {
                *self.reasons.entry(reason).or_default() += 1;
                (&mut self.fluffed, parts, cut_through)
            }
            _ => return,
        };
        *sizes.entry(parts).or_default() += 1;
        self.cut_through += cut_through as u64;
    }
}
