//! Whether somebody asked the demo to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};

use super::failure::Failure;
use super::lang::text;

/// Set once by SIGINT or SIGTERM, and seen by every thread.
#[derive(Debug, Clone)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Catches the signals from here on.
    ///
    /// # Errors
    /// When the operating system does not let signals be caught.
    pub fn watch() -> Result<Self, Failure> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&flag)).map_err(|cause| {
                Failure::new(text!(
                    "signals cannot be caught: {cause}; run it where signals are allowed",
                    "无法接收信号：{cause}；请在允许信号的环境中运行"
                ))
            })?;
        }
        Ok(Self(flag))
    }

    /// Whether a signal came.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Fails when a signal came.
    ///
    /// # Errors
    /// When a signal came.
    pub fn check(&self) -> Result<(), Failure> {
        if self.is_asked() { Err(Failure::stopped()) } else { Ok(()) }
    }

    /// Asks the other threads to stop.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
