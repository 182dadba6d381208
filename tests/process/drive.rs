//! Carries out a plan, and notes what relays said to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scape::aggregate::Hash;
use scape::api::view::JournalView;
use scape::rpc::RpcError;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::flow::Payment;
use super::grin::Grin;
use super::plan::{Act, Plan, RELAYS};
use super::relay::{Process, Relay};
use super::wiretap::{Life, Wiretap};

/// How long a payment may be refused for what passes.
const PATIENCE: Duration = Duration::from_secs(90);

/// Relays beside a Grin node.
pub(crate) struct Site {
    pub(crate) grin: Grin,
    pub(crate) relays: Vec<Arc<Relay>>,
    pub(crate) wiretap: Wiretap,
    /// How many blocks the miner is to undo.
    pub(crate) reorg: Arc<AtomicUsize>,
    pub(crate) said: Mutex<Said>,
}

/// What relays said.
#[derive(Default)]
pub(crate) struct Said {
    /// Payments that were acknowledged, and by which relay.
    pub(crate) acknowledged: BTreeMap<Hash, usize>,
    /// Payments that were refused since they, or rivals, were there already.
    pub(crate) refused: BTreeSet<Hash>,
    /// Processes whose journal could not be written for a while.
    pub(crate) failing: BTreeSet<Life>,
}

impl Site {
    pub(crate) async fn start() -> Arc<Self> {
        let (grin, wiretap) = (Grin::start().await, Wiretap::default());
        let mut relays = Vec::new();
        for index in 0..RELAYS {
            relays.push(Relay::new(index, wiretap.clone()).await);
        }
        for relay in &relays {
            relay.configure(&grin.url(), &relays);
            relay.start(&mut *relay.process.lock().await).await;
        }
        Arc::new(Self { grin, relays, wiretap, reorg: Arc::default(), said: Mutex::default() })
    }

    /// Begins each act in its time, whatever has become of the ones before it.
    pub(crate) async fn carry_out(self: &Arc<Self>, plan: Plan) {
        let mut acts = JoinSet::new();
        let mut now = Duration::ZERO;
        for (at, act) in plan.0 {
            sleep(at - now).await;
            now = at;
            let site = self.clone();
            acts.spawn(async move { site.act(act).await });
        }
        while let Some(act) = acts.join_next().await {
            act.expect("no panic");
        }
    }

    async fn act(&self, act: Act) {
        match act {
            Act::Push(payments) => {
                for (payment, relay) in payments {
                    self.push(&payment, relay).await;
                }
            }
            Act::PushAndKill { payment, relay, down } => {
                self.push(&payment, relay).await;
                self.kill(relay, down).await;
            }
            Act::KillWhilePushing { payments, relay, after, down } => {
                self.kill_while_pushing(&payments, relay, after, down).await;
            }
            Act::Kill { relay, down } => self.kill(relay, down).await,
            Act::Stop { relay, down } => {
                let relay = &self.relays[relay];
                let mut process = relay.process.lock().await;
                relay.stop(&mut process).await;
                start_again(relay, &mut process, down).await;
            }
            Act::Cut { relay } => self.relays[relay].link.cut(),
            Act::FillDisk { payment, relay, lasting, is_killed } => {
                self.fill_disk(&payment, relay, lasting, is_killed).await;
                self.push(&payment, relay).await;
            }
            Act::LoseGrin { lasting } => {
                self.grin.go_away();
                sleep(lasting).await;
                self.grin.come_back();
            }
            Act::Reorg { depth } => self.reorg.store(depth, Ordering::Relaxed),
        }
    }

    /// Pushes until there is an answer that nothing will change.
    async fn push(&self, payment: &Payment, relay: usize) {
        let push = async {
            loop {
                match self.push_once(payment, relay).await {
                    Ok(()) => return,
                    Err(error) if self.is_final(&error, payment) => {
                        self.said.lock().expect("no panic").refused.insert(payment.kernel());
                        return;
                    }
                    // It is down, or its journal or the Grin node is.
                    Err(_) => sleep(Duration::from_millis(200)).await,
                }
            }
        };
        let answered = timeout(PATIENCE, push).await;
        assert!(
            answered.is_ok(),
            "{payment:?} at {relay}: {:?}",
            self.push_once(payment, relay).await
        );
    }

    /// Whether nothing comes of pushing again: a rival was faster, or an earlier push was, whose
    /// acknowledgement did not come through.
    fn is_final(&self, error: &RpcError, payment: &Payment) -> bool {
        let RpcError::Refused(why) = error else { return false };
        let why = why.to_string();
        let is_mined = self.grin.ledger().kernel_height(&payment.kernel()).is_some();
        why.contains("spends what") || is_mined && why.contains("an output that exists")
    }

    async fn push_once(&self, payment: &Payment, relay: usize) -> Result<(), RpcError> {
        self.relays[relay].push(payment).await?;
        self.said.lock().expect("no panic").acknowledged.insert(payment.kernel(), relay);
        Ok(())
    }

    async fn kill(&self, relay: usize, down: Duration) {
        let relay = &self.relays[relay];
        let mut process = relay.process.lock().await;
        relay.kill(&mut process);
        start_again(relay, &mut process, down).await;
    }

    async fn kill_while_pushing(
        &self,
        payments: &[Arc<Payment>],
        index: usize,
        after: Duration,
        down: Duration,
    ) {
        let relay = &self.relays[index];
        let mut process = relay.process.lock().await;
        let pushes = async {
            // Whatever comes of it.
            for payment in payments {
                let _ = self.push_once(payment, index).await;
            }
        };
        let kill = async {
            sleep(after).await;
            relay.kill(&mut process);
        };
        tokio::join!(pushes, kill);
        start_again(relay, &mut process, down).await;
    }

    /// While nothing can be written, nothing is acknowledged, and the reason is told.
    async fn fill_disk(&self, payment: &Payment, index: usize, lasting: Duration, is_killed: bool) {
        let relay = &self.relays[index];
        let mut process = relay.process.lock().await;
        self.said.lock().expect("no panic").failing.insert(process.life(relay));
        process.limit_files("1");
        self.until_not_kept(payment, index).await;
        let is_full = |journal: &JournalView| match journal {
            JournalView::Failing { reason, .. } => reason.contains("disk"),
            _ => false,
        };
        relay.until_journal("its disk is full", is_full).await;
        sleep(lasting).await;
        self.until_not_kept(payment, index).await;
        if is_killed {
            relay.kill(&mut process);
            relay.start(&mut process).await;
        } else {
            process.limit_files("unlimited");
            relay.until_journal("it can write", |j| matches!(j, JournalView::Safe { .. })).await;
        }
    }

    /// Pushes until it is refused since it cannot be kept.
    async fn until_not_kept(&self, payment: &Payment, relay: usize) {
        let refused = async {
            loop {
                let error = self.push_once(payment, relay).await.expect_err("it cannot be kept");
                if error.to_string().contains("the journal cannot be written") {
                    return;
                }
                // The Grin node is not there.
                sleep(Duration::from_millis(200)).await;
            }
        };
        let refused = timeout(PATIENCE, refused).await;
        assert!(refused.is_ok(), "{:?}", self.relays[relay].status().await);
    }
}

async fn start_again(relay: &Relay, process: &mut Process, down: Duration) {
    sleep(down).await;
    relay.start(process).await;
}
