use std::time::Duration;

use scape_aggregate::Hash;
use scape_pool::Tip;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::block::GrinBlock;
use super::error::GrinError;
use super::shape::{BlockShape, HeaderShape, ListingShape, OutputsShape, TipShape};
use crate::rpc::{RpcClient, RpcError, RpcLimits, Secret, Url};

/// A page of a thousand blocks as they are today is 4 MB, of ten thousand outputs 3 MB. The
/// heaviest block that can be is 5 MB.
const LIMITS: RpcLimits = RpcLimits { timeout: Duration::from_secs(30), answer: 32 << 20 };
/// The most outputs that Grin lists at once.
const MAX_OUTPUTS: u64 = 10_000;

/// The Foreign API of a Grin node.
#[derive(Clone, Debug)]
pub(super) struct Api(RpcClient);

impl Api {
    pub(super) fn new(url: &Url, secret: Option<&Secret>) -> Self {
        Self(RpcClient::new(url, "/v2/foreign", secret, LIMITS))
    }

    pub(super) async fn tip(&self) -> Result<Tip, GrinError> {
        Ok(self.call::<TipShape>("get_tip", json!([])).await?.into())
    }

    /// The hash of the header at a height, if there is one.
    pub(super) async fn hash_at(&self, height: u64) -> Result<Option<Hash>, GrinError> {
        let header = self.call::<HeaderShape>("get_header", json!([height, null, null])).await;
        match header {
            Ok(header) => Ok(Some(Hash(header.hash.0))),
            Err(RpcError::Refused(why)) if why == "NotFound" => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn block_at(&self, height: u64) -> Result<GrinBlock, GrinError> {
        let block = self.call::<BlockShape>("get_block", json!([height, null, null])).await;
        match block {
            Ok(block) => Ok(block.into()),
            Err(RpcError::Refused(why)) if why == "NotFound" => {
                Err(GrinError::MissingBlock(height))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Those blocks from `first` to `last` that the node has.
    pub(super) async fn blocks(&self, first: u64, last: u64) -> Result<Vec<GrinBlock>, GrinError> {
        let params = json!([first, last, last - first + 1, false]);
        let listing = self.call::<ListingShape>("get_blocks", params).await?;
        Ok(listing.blocks.into_iter().map(GrinBlock::from).collect())
    }

    /// Fetches blocks and looks at none of them, to see how fast the node is.
    #[cfg(test)]
    pub(super) async fn skip_blocks(&self, first: u64, last: u64) -> Result<(), GrinError> {
        let params = json!([first, last, last - first + 1, false]);
        self.call::<serde::de::IgnoredAny>("get_blocks", params).await?;
        Ok(())
    }

    /// A page of unspent outputs, from a position on.
    pub(super) async fn outputs(&self, first: u64) -> Result<OutputsShape, GrinError> {
        Ok(self.call("get_unspent_outputs", json!([first, null, MAX_OUTPUTS, false])).await?)
    }

    async fn call<T: DeserializeOwned>(&self, method: &str, params: Value) -> Result<T, RpcError> {
        self.0.call(method, params).await
    }
}
