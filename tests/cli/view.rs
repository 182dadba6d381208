//! What the owner of a node may be shown.

use std::collections::BTreeMap;

use scape::api::view::{
    ChainSourceView, ChainStateView, JournalView, PoolsView, StatusView, StemView, TipView,
};

/// A little of everything, but of zones.
pub(crate) fn status() -> StatusView {
    StatusView {
        chain: "mainnet".to_owned(),
        version: "0.1.0".to_owned(),
        protocol_version: 1_000,
        user_agent: "MW/Scape 0.1.0".to_owned(),
        connections: 2,
        tip: TipView {
            height: 3_456_789,
            last_block_pushed: "00000a1b2c3d4e5f60718293a4b5c6d7e8f9".to_owned(),
            prev_block_to_last: String::new(),
            total_difficulty: 12_345_678_901,
        },
        sync_status: "no_sync".to_owned(),
        chain_source: ChainSourceView::Grin {
            url: "http://127.0.0.1:3413".to_owned(),
            state: ChainStateView::Ready,
        },
        uptime_secs: 93_784.0,
        preset: "scape".to_owned(),
        pools: PoolsView { stem: 3, stem_kernels: 5, public: 17, public_kernels: 40, orphans: 1 },
        relays: vec!["203.0.113.9:3414".to_owned()],
        epoch_secs_left: 500.0,
        addresses: 1_234,
        journal: JournalView::Safe { records: 2, unreadable: 0 },
        stem: StemView {
            patience_secs_left: Some(7.5),
            embargo_secs_left: vec![65.0, 700.0, 1_400.0],
            relayed: BTreeMap::from([(1, 12), (2, 3), (7, 5)]),
            fluffed: BTreeMap::from([(1, 4), (31, 1)]),
            fluff_reasons: BTreeMap::from([("coin".to_owned(), 4), ("embargo".to_owned(), 1)]),
            cut_through: 37,
        },
        zones: Vec::new(),
        origin: vec!["clearnet".to_owned()],
    }
}
