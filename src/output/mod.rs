//! What leaves the program: pictures and the console.

pub mod console;
pub mod plots;
