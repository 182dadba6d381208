//! The Foreign API: what a wallet asks of a Grin node, so that an unmodified one works with us.
//!
//! What is pushed goes on our stem, what is asked of the chain is answered by the Grin node if
//! there is one, and the pool is ours.
//!
//! # Security
//! The user of a wallet may be somebody else than the owner, and knows transactions that he is a
//! party to. Nothing here tells what the stempool holds:
//! * The stempool's size is always 0, and unconfirmed transactions are those of the txpool. Where a
//!   transaction came from is not told, and when only to the minute: peers, too, are told of it
//!   after random delays.
//! * Whether a push is acknowledged is decided by the chain and the txpool alone. What only the
//!   stempool speaks against (it holds the very same, or something that spends the same) is
//!   acknowledged like anything else, see [`crate::pool::Pool::handle_rival`].
//! * How long a push takes does not depend on it either: each is verified in full, known or not,
//!   and each acknowledgement waits for one write to the disk.
//!
//! What it cannot hide: who makes two transactions that exclude each other, stems one elsewhere and
//! pushes the other here, sees in the end which of them is mined.

use scape_aggregate::{ChainType, Consensus, JsonError, Transaction, ValidTx};
use scape_p2p::book::UnixTime;
use scape_p2p::zone::PushError;
use scape_pool::Refusal;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::jsonrpc::{CallError, Methods, Param, Params};
use super::view::TipView;
use super::wrapped::{MethodError, wrap};
use crate::node::{NodeHandle, PushFailed};
use crate::rpc::{RpcClient, RpcError, Url};

/// What the Grin node answers.
const PASSED_ON: [&str; 9] = [
    "get_block",
    "get_blocks",
    "get_header",
    "get_kernel",
    "get_outputs",
    "get_pmmr_indices",
    "get_tip",
    "get_unspent_outputs",
    "get_version",
];
/// The version of Grin whose API this is, for wallets that want a new one, and ours behind it.
const VERSION: &str = concat!("5.5.2+scape.", env!("CARGO_PKG_VERSION"));
/// Of block headers since Grin's last hard fork.
const HEADER_VERSION: u16 = 5;
/// How many bytes the JSON of a transaction has at most for one unit of its weight, if it is
/// indented: an input has 150.
const BYTES_PER_WEIGHT: u64 = 200;
/// Beside the transaction.
const OTHER_BYTES: u64 = 64 << 10;
/// Weight of unconfirmed transactions that are listed at most: ten blocks full, some 30 MB.
const MAX_LISTED: u64 = 400_000;

/// The Foreign API of a node.
pub(super) struct Foreign {
    node: NodeHandle,
    consensus: Consensus,
    grin: Option<(Url, RpcClient)>,
}

impl Foreign {
    pub(super) fn new(
        node: NodeHandle,
        consensus: Consensus,
        grin: Option<(Url, RpcClient)>,
    ) -> Self {
        Self { node, consensus, grin }
    }

    /// The most that a request has: the heaviest transaction fits.
    pub(super) fn body_limit(chain: ChainType) -> usize {
        let bytes = chain.max_block_weight().0 * BYTES_PER_WEIGHT + OTHER_BYTES;
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    async fn push(&self, tx: &Param<'_>, fluff: Option<bool>) -> Result<Push, CallError> {
        let tx = match Transaction::from_json(tx.text(), &self.consensus) {
            Ok(tx) => tx,
            Err(JsonError::Shape(error)) => return Err(tx.invalid(error)),
            Err(error) => return Ok(Err(refused(error))),
        };
        Ok(match self.node.push(tx, fluff.unwrap_or(false)).await {
            Ok(_) => Ok(()),
            // The wallet tries again, or somebody was faster: it is where it has to be.
            Err(PushFailed::Refused(PushError::Refused(Refusal::Known))) => Ok(()),
            Err(error) => Err(refused(error)),
        })
    }

    async fn unconfirmed(&self) -> Result<Box<RawValue>, CallError> {
        let listed = match self.list().await {
            Ok(listed) => listed,
            Err(error) => return wrap::<()>(&Err(error)),
        };
        // That much takes a while.
        let written = tokio::task::spawn_blocking(move || {
            let entries = listed.into_iter().map(|(tx, since)| PoolEntry {
                src: "Broadcast",
                tx_at: minute(since.0),
                tx: tx.to_json(),
            });
            wrap(&Ok(entries.collect::<Vec<_>>()))
        });
        written.await.unwrap_or_else(|error| Err(CallError::internal(error)))
    }

    async fn list(&self) -> Result<Vec<(ValidTx, UnixTime)>, MethodError> {
        let public = self.node.public().await?;
        let weight: u64 = public.iter().map(|(tx, _)| tx.weight().0).sum();
        if weight > MAX_LISTED {
            let count = public.len();
            return Err(MethodError::Internal(format!(
                "{count} transactions are too many to list"
            )));
        }
        Ok(public)
    }

    /// Asks the Grin node, whose answers and errors are passed on as they are.
    async fn pass_on(
        &self,
        (url, grin): &(Url, RpcClient),
        method: &str,
        params: Params<'_>,
    ) -> Result<Box<RawValue>, CallError> {
        let away = |error: RpcError| {
            let why = format!("the Grin node at {url} is no help: {error}");
            wrap::<()>(&Err(MethodError::Internal(why)))
        };
        match grin.forward(method, &params.into_raw()?).await {
            Ok(answer) => match (answer.result, answer.error) {
                (_, Some(error)) => Err(CallError::Theirs(error)),
                (Some(result), None) => Ok(result),
                (None, None) => wrap(&Ok(())),
            },
            Err(error) => away(error),
        }
    }

    async fn tip(&self) -> Result<TipView, MethodError> {
        Ok(TipView::of(&self.node.status().await?))
    }
}

/// What a push comes to.
type Push = Result<(), MethodError>;

impl Methods for Foreign {
    async fn call(&self, method: &str, params: Params<'_>) -> Result<Box<RawValue>, CallError> {
        match (method, &self.grin) {
            ("push_transaction", _) => {
                let [tx, fluff] = params.take(["tx", "fluff"])?;
                wrap(&self.push(&tx, fluff.get()?).await?)
            }
            ("get_pool_size", _) => {
                let [] = params.take([])?;
                let status = self.node.status().await;
                wrap(&status.map(|status| status.pools.public).map_err(MethodError::from))
            }
            ("get_stempool_size", _) => {
                let [] = params.take([])?;
                wrap(&Ok(0))
            }
            ("get_unconfirmed_transactions", _) => {
                let [] = params.take([])?;
                self.unconfirmed().await
            }
            (method, Some(grin)) if PASSED_ON.contains(&method) => {
                self.pass_on(grin, method, params).await
            }
            ("get_version", None) => {
                let [] = params.take([])?;
                let version =
                    json!({ "node_version": VERSION, "block_header_version": HEADER_VERSION });
                wrap(&Ok(version))
            }
            ("get_tip", None) => {
                let [] = params.take([])?;
                wrap(&self.tip().await)
            }
            (method, None) if PASSED_ON.contains(&method) => {
                let why = "this node has a chain for development; grin.url in the configuration \
                           makes it ask a Grin node";
                wrap::<()>(&Err(MethodError::Internal(why.to_owned())))
            }
            _ => Err(CallError::unknown_method()),
        }
    }
}

/// In the words of a Grin node.
fn refused(error: impl std::error::Error) -> MethodError {
    MethodError::Internal(format!("Failed to update pool: {error}"))
}

/// An unconfirmed transaction as a Grin node shows it (`grin_pool::PoolEntry`).
#[derive(Serialize)]
struct PoolEntry {
    src: &'static str,
    tx_at: String,
    tx: serde_json::Value,
}

/// A time of so many seconds since 1970, cut to the minute, as RFC 3339 has it.
fn minute(unix: u64) -> String {
    let (days, minutes) = (unix / 86_400, unix % 86_400 / 60);
    let (year, month, day) = date(days);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:00Z", minutes / 60, minutes % 60)
}

/// The date of so many days after 1970-01-01 ("chrono-Compatible Low-Level Date Algorithms",
/// Howard Hinnant, `civil_from_days`).
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let (day, month) = (day_of_year - (153 * shifted + 2) / 5 + 1, (shifted + 2) % 12 + 1);
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_to_the_minute() {
        assert_eq!(minute(0), "1970-01-01T00:00:00Z");
        assert_eq!(minute(951_782_399), "2000-02-28T23:59:00Z");
        assert_eq!(minute(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(minute(1_709_251_199), "2024-02-29T23:59:00Z");
        assert_eq!(minute(1_767_225_600), "2026-01-01T00:00:00Z");
    }

    #[test]
    fn the_heaviest_transaction_fits_into_a_request() {
        let max = ChainType::Mainnet.max_block_weight().0;
        // As serde_json indents it by two at its depth in a call.
        let input = 150;
        assert!(max * input < Foreign::body_limit(ChainType::Mainnet) as u64);
        assert!(Foreign::body_limit(ChainType::Mainnet) < 16 << 20);
        assert!(Foreign::body_limit(ChainType::UserTesting) < 1 << 20);
    }
}
