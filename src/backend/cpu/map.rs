//! Functions of a few numbers applied place by place, compiled for the vector instructions of the processor.

use std::marker::PhantomData;

use pulp::Arch;

use crate::calculus::{Lanes, Real};

/// Numbers that go through a function together: enough independent work to hide the latency of its polynomials.
const GROUP: usize = 32;

/// A function of `IN` numbers with `OUT` results, written over every reading of a number.
pub trait Elementwise<const IN: usize, const OUT: usize> {
    /// The results at one place. To be `#[inline(always)]`: it is compiled for each vector instruction set.
    fn values<R: Real>(inputs: [R; IN]) -> [R; OUT];
}

/// The same of a function with parameters.
pub trait Parametrised<const IN: usize, const OUT: usize> {
    /// As [`Elementwise::values`].
    fn values<R: Real>(&self, inputs: [R; IN]) -> [R; OUT];
}

/// An [`Elementwise`] function where one with parameters may stand.
pub struct Plain<F>(PhantomData<F>);

impl<F> Plain<F> {
    /// The function.
    pub const FUNCTION: Self = Self(PhantomData);
}

impl<F: Elementwise<IN, OUT>, const IN: usize, const OUT: usize> Parametrised<IN, OUT>
    for Plain<F>
{
    #[inline(always)]
    fn values<R: Real>(&self, inputs: [R; IN]) -> [R; OUT] {
        F::values(inputs)
    }
}

struct Map<'a, F, const IN: usize, const OUT: usize> {
    function: &'a F,
    inputs: [&'a [f64]; IN],
    outputs: [&'a mut [f64]; OUT],
}

impl<F: Parametrised<IN, OUT>, const IN: usize, const OUT: usize> pulp::NullaryFnOnce
    for Map<'_, F, IN, OUT>
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self {
            function,
            inputs,
            mut outputs,
        } = self;
        let lengths = inputs.iter().map(|slice| slice.len());
        let lengths = lengths.chain(outputs.iter().map(|slice| slice.len()));
        let n = lengths.min().unwrap_or_default();
        if n < GROUP {
            for place in 0..n {
                let results = function.values(inputs.map(|slice| slice[place]));
                for (output, result) in outputs.iter_mut().zip(results) {
                    output[place] = result;
                }
            }
            return;
        }
        // The last group may overlap the one before: the same bits are written twice.
        for group in 0..n.div_ceil(GROUP) {
            let first = (group * GROUP).min(n - GROUP);
            // By a loop: a closure would be left out of these vector instructions.
            let mut lanes = [Lanes::<f64, GROUP>::splat(0.0); IN];
            for k in 0..IN {
                lanes[k] = Lanes::load(&inputs[k][first..]);
            }
            let results = function.values(lanes);
            for k in 0..OUT {
                results[k].store(&mut outputs[k][first..]);
            }
        }
    }
}

/// Applies a function place by place, as far as the shortest slice goes.
pub fn elementwise<F: Elementwise<IN, OUT>, const IN: usize, const OUT: usize>(
    inputs: [&[f64]; IN],
    outputs: [&mut [f64]; OUT],
) {
    apply(&Plain::<F>::FUNCTION, inputs, outputs);
}

/// As [`elementwise`].
pub fn apply<F: Parametrised<IN, OUT>, const IN: usize, const OUT: usize>(
    function: &F,
    inputs: [&[f64]; IN],
    outputs: [&mut [f64]; OUT],
) {
    Arch::new().dispatch(Map {
        function,
        inputs,
        outputs,
    });
}
