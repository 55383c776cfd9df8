//! Trajectory files: what is written is read back, also after a kill, and everything else is a readable error.

mod errors;
mod kill;
mod python_files;
mod round_trip;
mod sample;
