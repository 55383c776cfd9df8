//! The polynomials of `calculus::elementary` keep their stated accuracy and have the same bits in every reading.

mod accuracy;
mod double_double;
mod readings;
