//! Equations as functions over [`Real`], and the readings of `Real`.
//!
//! An equation of the program is written once, as a function over `R: Real`. What it becomes depends on the reading:
//!
//! | reading | used as |
//! |---|---|
//! | `f64` | the truth that the other readings are held against |
//! | `f32` | the twin of the GPU on the CPU |
//! | [`Lanes`] | several values at once, one vector register or more |
//! | [`Dual`] | derivatives, for the law tests and Newton's methods |
//! | [`Expression`] | tracing: prints the function as WGSL, in `f32` or `f64` |
//!
//! `exp`, `ln`, `exp_m1` and `ln_1p` are the program's own polynomials ([`elementary`]), the same in every reading, built from
//! operations that IEEE 754 fixes to the last bit. So a result does not depend on the instruction set.

mod dual;
pub mod elementary;
mod expression;
mod lanes;
mod real;
mod scalar;

pub use dual::Dual;
pub use expression::{Condition, Expression, Format, Function, elementary_functions, trace};
pub(crate) use expression::{trace_array, trace_in};
pub use lanes::Lanes;
pub use real::{Precision, Real};
pub use scalar::Scalar;
