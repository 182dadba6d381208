//! The session of a SAM bridge: made again whenever it is lost, its key kept in a file, and peers
//! that come through it taken in.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tracing::{debug, info, warn};

use crate::addr::Host;

use super::file::replace_file;
use super::hub::Hub;
use super::transport::{SamConfig, SamError, SamKey, SamSession, Transport};
use super::way::Way;
use super::{spawn, welcome};

/// The least and the most time before a lost session is made again.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Keeps a session up until the net ends. The state of the way says how that goes.
pub(super) async fn keep(hub: Arc<Hub>, task: mpsc::Sender<()>) {
    let mut wait = RETRY.0;
    loop {
        let live = async {
            match open(&hub).await {
                Ok(session) => {
                    info!("there is a session of the SAM bridge");
                    (true, serve(&hub, session, &task).await)
                }
                Err(error) => (false, error),
            }
        };
        let (was_up, error) = tokio::select! {
            ended = live => ended,
            () = hub.shutdown.cancelled() => return,
        };
        let error = error.into();
        warn!(%error, "no session of the SAM bridge");
        hub.carrier.lost(&error);
        wait = if was_up { RETRY.0 } else { wait };
        tokio::select! {
            () = sleep(wait) => {}
            () = hub.shutdown.cancelled() => return,
        }
        wait = (wait * 2).min(RETRY.1);
    }
}

async fn open(hub: &Hub) -> Result<SamSession, SamError> {
    let Way::Sam { bridge, key } = &hub.config.way else { unreachable!("the way is SAM's") };
    let config = SamConfig { bridge: *bridge, timeouts: hub.config.timeouts.dial };
    let kept = load(key.as_deref()).await?;
    let mut rng = ChaCha20Rng::from_seed(hub.draw_seed());
    let session = SamSession::create(config, kept.as_ref(), &mut rng).await?;
    if let (Some(path), None) = (key, kept) {
        save(path.clone(), session.key().clone()).await;
    }
    Ok(session)
}

/// Takes in who comes, until the session is lost.
async fn serve(hub: &Arc<Hub>, session: SamSession, task: &mpsc::Sender<()>) -> SamError {
    let session = Arc::new(session);
    hub.carrier.opened(Transport::Sam(Arc::clone(&session)));
    let accepting = async {
        match hub.config.max_inbound {
            0 => std::future::pending().await,
            _ => accept_all(hub, &session, task).await,
        }
    };
    tokio::select! {
        error = session.closed() => error,
        error = accepting => error,
    }
}

async fn accept_all(hub: &Arc<Hub>, session: &SamSession, task: &mpsc::Sender<()>) -> SamError {
    loop {
        match session.accept().await {
            Ok((stream, name)) => {
                let addr = hub.i2p_addr(name);
                if let Some(place) = hub.take_place(Some(Host::I2p(name))) {
                    let welcome = welcome(Arc::clone(hub), stream, Some(addr), place);
                    spawn(task.clone(), welcome);
                }
            }
            Err(error) if error.is_of_bridge() => return error,
            Err(error) => debug!(%error, "nobody came"),
        }
    }
}

/// The key, if there is a file. One that cannot be read must not be replaced by a new one, which
/// would be another name.
async fn load(path: Option<&Path>) -> Result<Option<SamKey>, SamError> {
    let Some(path) = path.map(Path::to_owned) else { return Ok(None) };
    let read = tokio::task::spawn_blocking(move || fs::read_to_string(path)).await;
    match read.unwrap_or_else(|_| Err(io::ErrorKind::Interrupted.into())) {
        Ok(text) => SamKey::new(text.trim().to_owned()).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(SamError::KeyFile(error.kind())),
    }
}

async fn save(path: PathBuf, key: SamKey) {
    let shown = path.display().to_string();
    let write = move || replace_file(&path, key.secret().as_bytes());
    if let Ok(Err(error)) = tokio::task::spawn_blocking(write).await {
        warn!(path = %shown, %error, "the key of the destination was not saved");
    }
}
