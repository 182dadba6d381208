//! Configurations.

use scape::config::Config;

/// Reads a configuration; what is accepted can be used, and means the same when written again.
pub fn read(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Config::from_toml(text) {
        Ok(config) => {
            config.zone_config().expect("was checked");
            config.net_config([0; 32]);
            let written = toml::to_string(&config).expect("writable");
            assert_eq!(Config::from_toml(&written).expect("valid"), config);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
