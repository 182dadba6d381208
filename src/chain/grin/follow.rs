use std::sync::Arc;
use std::time::Duration;

use rand_chacha::ChaCha12Rng;
use scape_aggregate::Hash;
use scape_pool::Tip;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{sleep, timeout};

use super::api::Api;
use super::backoff::Backoff;
use super::error::GrinError;
use super::index::{Index, Step};
use super::pages::Pages;
use super::trail::Trail;

/// The least time between two looks at the Grin node, however often peers tell of blocks.
const LEAST_PAUSE: Duration = Duration::from_secs(1);

/// What the follower has found out.
#[derive(Debug)]
pub(super) enum Event {
    /// The chain is being read, from the beginning or anew.
    Syncing { done: u64, of: u64 },
    /// It has been read.
    Synced(Box<Index>),
    /// It has gone on. The follower waits to hear whether the blocks fit.
    Step { step: Step, fits: oneshot::Sender<bool> },
    /// The node shows nothing new.
    Current,
    /// That came to nothing; it will be tried again.
    Failed(GrinError),
}

/// Why a look at the Grin node ended before its time.
pub(super) enum Interrupted {
    Failed(GrinError),
    /// Who is told has gone: the node is stopping.
    Gone,
}

impl<E: Into<GrinError>> From<E> for Interrupted {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// What to read, and for which rules.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// What the chain begins with.
    pub(super) genesis: Hash,
    /// Whether NRD kernels matter.
    pub(super) nrd: bool,
    /// Blocks that can be undone at least.
    pub(super) depth: usize,
    /// The time between two looks if nobody tells of a block.
    pub(super) poll: Duration,
}

/// Follows the chain of a Grin node and tells of it.
pub(super) struct Follower {
    pub(super) api: Api,
    pub(super) plan: Plan,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) hint: Arc<Notify>,
    pub(super) rng: ChaCha12Rng,
    /// The chain as it was told of; `None` if it has to be read anew.
    pub(super) trail: Option<Trail>,
}

impl Follower {
    /// Runs until nobody listens any more.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            match self.look().await {
                Ok(()) => {
                    backoff = Backoff::default();
                    let pause = LEAST_PAUSE.min(self.plan.poll);
                    sleep(pause).await;
                    // Either will do.
                    let _ = timeout(self.plan.poll - pause, self.hint.notified()).await;
                }
                Err(Interrupted::Failed(error)) => {
                    if self.tell(Event::Failed(error)).await.is_err() {
                        return;
                    }
                    sleep(backoff.next(&mut self.rng)).await;
                }
                Err(Interrupted::Gone) => return,
            }
        }
    }

    pub(super) async fn tell(&self, event: Event) -> Result<(), Interrupted> {
        self.events.send(event).await.map_err(|_| Interrupted::Gone)
    }

    async fn look(&mut self) -> Result<(), Interrupted> {
        if let Some(trail) = self.trail.take()
            && self.catch_up(trail).await?
        {
            return Ok(());
        }
        let index = self.sync().await?;
        let trail = index.trail();
        self.tell(Event::Synced(Box::new(index))).await?;
        match self.catch_up(trail).await? {
            true => Ok(()),
            // Once more only after a pause.
            false => Err(GrinError::Moved.into()),
        }
    }

    /// Goes on to the node's tip. Returns whether that was possible, or the chain has to be read
    /// anew. After a failure it goes on where it was.
    async fn catch_up(&mut self, mut trail: Trail) -> Result<bool, Interrupted> {
        let outcome = self.go_on(&mut trail).await;
        self.trail = Some(trail).filter(|_| !matches!(outcome, Ok(false)));
        outcome
    }

    async fn go_on(&self, trail: &mut Trail) -> Result<bool, Interrupted> {
        let tip = self.api.tip().await?;
        if tip != trail.tip() {
            let Some(mut common) = self.common(trail, tip).await? else { return Ok(false) };
            if common == tip {
                // The node has gone back.
                trail.advance(common, &[])?;
                if !self.step(Step { common, blocks: Vec::new() }).await? {
                    return Ok(false);
                }
            }
            let mut pages = Pages::new(self.api.clone(), common.height + 1, tip.height);
            while let Some(blocks) = pages.next().await? {
                let Some(last) = blocks.last().map(|block| block.tip) else {
                    return Err(GrinError::MissingBlock(common.height + 1).into());
                };
                // A page that ends in another block of this height is of another chain.
                if last.height == tip.height && last != tip {
                    return Err(GrinError::Moved.into());
                }
                trail.advance(common, &blocks)?;
                if !self.step(Step { common, blocks }).await? {
                    return Ok(false);
                }
                common = last;
            }
            if common != tip {
                return Err(GrinError::Moved.into());
            }
        }
        self.tell(Event::Current).await?;
        Ok(true)
    }

    async fn step(&self, step: Step) -> Result<bool, Interrupted> {
        let (fits, verdict) = oneshot::channel();
        self.tell(Event::Step { step, fits }).await?;
        verdict.await.map_err(|_| Interrupted::Gone)
    }

    /// The last block that the node has as well, if one of those that are remembered is.
    async fn common(&self, trail: &Trail, tip: Tip) -> Result<Option<Tip>, GrinError> {
        let shared = async |height: u64| {
            let ours = trail.at(height).filter(|_| height <= tip.height);
            let Some(ours) = ours else { return Ok::<_, GrinError>(None) };
            Ok((self.api.hash_at(height).await? == Some(ours.hash)).then_some(ours))
        };
        let highest = trail.tip().height;
        if let Some(common) = shared(highest).await? {
            return Ok(Some(common));
        }
        let (mut low, mut high) = (trail.lowest(), highest);
        let Some(mut common) = shared(low).await? else { return Ok(None) };
        // What is below a common block is common, too.
        while high - low > 1 {
            let middle = low.midpoint(high);
            match shared(middle).await? {
                Some(found) => (low, common) = (middle, found),
                None => high = middle,
            }
        }
        Ok(Some(common))
    }
}
