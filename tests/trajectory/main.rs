//! Trajectory files: what is written is read back, and everything else is a readable error.

mod errors;
mod python_files;
mod round_trip;
mod sample;
