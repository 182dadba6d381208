//! White noise: which zones have it, how often, and what it does to the stem.

use scape_p2p::addr::Network;
use scape_p2p::dandelion::Warning;
use scape_p2p::noise::{CHANNELS, NoiseConfig, ValidNoise};
use serde::{Deserialize, Serialize};

use super::sections::{Encryption, Seconds};
use super::{Config, ConfigError};

/// When frames of white noise leave, in all zones that have it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NoiseSection {
    /// The shortest time between two frames of a channel.
    pub interval_secs: Seconds,
    /// Up to how much longer it is, at random.
    pub spread_secs: Seconds,
}

impl Default for NoiseSection {
    fn default() -> Self {
        let NoiseConfig { interval, spread, .. } = NoiseConfig::DEFAULT;
        Self { interval_secs: Seconds(interval), spread_secs: Seconds(spread) }
    }
}

impl Config {
    /// The white noise of a zone, if it is to have any.
    ///
    /// # Errors
    /// Frames cannot be sent at such times.
    pub fn noise(&self, network: Network) -> Result<Option<ValidNoise>, ConfigError> {
        let is_noisy = match network {
            Network::Clearnet => self.network.noise,
            Network::Tor => self.tor.noise,
            Network::I2p => self.i2p.noise,
        };
        let NoiseSection { interval_secs, spread_secs } = self.noise;
        let config = NoiseConfig {
            interval: interval_secs.0,
            spread: spread_secs.0,
            ..NoiseConfig::DEFAULT
        };
        Ok(is_noisy.then(|| config.check()).transpose()?)
    }

    /// Refuses noise that hides nothing.
    pub(super) fn check_noise(&self) -> Result<(), ConfigError> {
        for network in self.networks() {
            if self.noise(network)?.is_none() {
                continue;
            }
            if network == Network::Clearnet && self.network.encryption == Encryption::Off {
                return Err(ConfigError::NoiseInTheClear);
            }
            let relays = self.zone_params(network)?.relays;
            if relays > CHANNELS {
                return Err(ConfigError::NoiseRelays { network, relays });
            }
        }
        Ok(())
    }

    /// Where waiting for frames works against the timers of a zone.
    pub(super) fn noise_warnings(&self) -> Result<Vec<Warning>, ConfigError> {
        let mut warnings = Vec::new();
        for network in self.networks() {
            if let Some(noise) = self.noise(network)? {
                warnings.extend(self.zone_params(network)?.check_with(noise.config())?.1);
            }
        }
        warnings.dedup();
        Ok(warnings)
    }
}
