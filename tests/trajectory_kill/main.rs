//! Trajectory files outlive their writer: killed at any moment, or with the disk full.

#[cfg(unix)]
mod full;
mod kill;
#[path = "../trajectory/sample.rs"]
mod sample;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// One test at a time: a child process inherits the files that the library has open for another test, and with them their locks.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
