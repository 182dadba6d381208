//! What must hold in the end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use scape::aggregate::Hash;
use scape::api::view::JournalView;
use tokio::time::{sleep, timeout};

use super::drive::Site;
use super::flow::{Flow, Payment};

/// An embargo, a few blocks, and what a busy machine adds.
const PATIENCE: Duration = Duration::from_secs(90);

impl Flow {
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Payment>> {
        self.singles.iter().chain(self.chains.iter().flatten()).chain(self.rivals.iter().flatten())
    }

    /// What spends the same as a payment.
    fn rival(&self, payment: &Payment) -> Option<&Payment> {
        let kernel = payment.kernel();
        let pair = self.rivals.iter().find(|pair| pair.iter().any(|p| p.kernel() == kernel))?;
        pair.iter().find(|rival| rival.kernel() != kernel).map(|rival| &**rival)
    }
}

/// Waits until everything that was acknowledged is mined, or excluded by a rival that is, and
/// nothing of the former is kept any more; then stops all relays.
pub(crate) async fn prove(site: &Site, flow: &Flow) {
    let settled = async {
        while !lost(site, flow).is_empty() {
            sleep(Duration::from_millis(200)).await;
        }
    };
    let settled = timeout(PATIENCE, settled).await;
    assert!(settled.is_ok(), "acknowledged, and not mined: {:?}", lost(site, flow));
    for relay in &site.relays {
        relay.process.lock().await.still_runs();
        let excluded = excluded(site, flow, relay.index);
        let is_done = |journal: &JournalView| match journal {
            JournalView::Safe { records, unreadable } => *records <= excluded && *unreadable == 0,
            _ => false,
        };
        relay.until_journal("nothing is kept of what is mined", is_done).await;
    }
    for relay in &site.relays {
        let mut process = relay.process.lock().await;
        relay.stop(&mut process).await;
        assert_eq!(process.complaints(), [""; 0], "relay {}", relay.index);
    }
    mined_once(site);
    stemmed_in_one_life(site, flow);
    tell(site, flow);
}

/// What was acknowledged, or refused since it was there already, and is neither mined nor excluded by what is.
fn lost<'a>(site: &Site, flow: &'a Flow) -> Vec<&'a Payment> {
    let said = site.said.lock().expect("no panic");
    let ledger = site.grin.ledger();
    let is_mined = |payment: &Payment| ledger.kernel_height(&payment.kernel()).is_some();
    let payments = flow.all().map(|payment| &**payment);
    let answered = payments.filter(|payment| {
        let kernel = payment.kernel();
        said.acknowledged.contains_key(&kernel) || said.refused.contains(&kernel)
    });
    let lost = answered.filter(|p| !is_mined(p) && !flow.rival(p).is_some_and(is_mined));
    lost.collect()
}

/// How many of the payments that a relay acknowledged are excluded by others. It keeps them in case
/// that blocks are undone.
fn excluded(site: &Site, flow: &Flow, relay: usize) -> usize {
    let said = site.said.lock().expect("no panic");
    let ledger = site.grin.ledger();
    let of_relay = |payment: &&Arc<Payment>| {
        said.acknowledged.get(&payment.kernel()) == Some(&relay)
            && ledger.kernel_height(&payment.kernel()).is_none()
    };
    flow.rivals.iter().flatten().filter(of_relay).count()
}

fn mined_once(site: &Site) {
    let ledger = site.grin.ledger();
    let mut times: HashMap<Hash, usize> = HashMap::new();
    for kernel in ledger.blocks().flat_map(|block| block.tx().kernels()) {
        *times.entry(*kernel.hash()).or_default() += 1;
    }
    assert!(times.values().all(|times| *times == 1), "{times:?}");
}

/// What a relay took from its owner and sent on the stem, it does not send there again in another
/// life; unless it could not write down that it had. Of what has rivals or parents that cannot be
/// said: it may be given up, and is sent again when it fits again.
fn stemmed_in_one_life(site: &Site, flow: &Flow) {
    let said = site.said.lock().expect("no panic");
    for payment in &flow.singles {
        let Some(relay) = said.acknowledged.get(&payment.kernel()) else { continue };
        let mut lives = site.wiretap.senders(&payment.kernel(), *relay);
        lives.retain(|life| !said.failing.contains(life));
        assert!(lives.len() <= 1, "{payment:?} was sent by {lives:?}");
    }
    assert!(site.wiretap.kernels() > 0, "nothing was heard");
}

fn tell(site: &Site, flow: &Flow) {
    let said = site.said.lock().expect("no panic");
    let ledger = site.grin.ledger();
    println!(
        "{} payments, {} acknowledged, {} refused for good, {} kernels heard on the stem, {} mined in {} blocks",
        flow.all().count(),
        said.acknowledged.len(),
        said.refused.len(),
        site.wiretap.kernels(),
        ledger.kernel_count(),
        ledger.blocks().count(),
    );
}
