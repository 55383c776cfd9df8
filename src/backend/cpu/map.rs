//! Functions of a few numbers applied place by place, compiled for the vector instructions of the processor.

use pulp::Arch;

use crate::calculus::{Lanes, Real};

/// Numbers that go through a function together: enough independent work to hide the latency of its polynomials.
const GROUP: usize = 32;

/// A function of `IN` numbers with `OUT` results, written over every reading of a number.
pub trait Elementwise<const IN: usize, const OUT: usize> {
    /// The results at one place. To be `#[inline(always)]`: it is compiled for each vector instruction set.
    fn values<R: Real>(inputs: [R; IN]) -> [R; OUT];
}

struct Map<'a, F, const IN: usize, const OUT: usize> {
    inputs: [&'a [f64]; IN],
    outputs: [&'a mut [f64]; OUT],
    function: std::marker::PhantomData<F>,
}

impl<F: Elementwise<IN, OUT>, const IN: usize, const OUT: usize> pulp::NullaryFnOnce
    for Map<'_, F, IN, OUT>
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self {
            inputs,
            mut outputs,
            ..
        } = self;
        let lengths = inputs.iter().map(|slice| slice.len());
        let lengths = lengths.chain(outputs.iter().map(|slice| slice.len()));
        let n = lengths.min().unwrap_or_default();
        if n < GROUP {
            for place in 0..n {
                let results = F::values(inputs.map(|slice| slice[place]));
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
            let results = F::values(lanes);
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
    Arch::new().dispatch(Map::<F, IN, OUT> {
        inputs,
        outputs,
        function: std::marker::PhantomData,
    });
}

/// Work with loops of its own that is to be compiled for the vector instructions of the processor.
pub trait Vectorised {
    /// What it returns.
    type Output;

    /// Does it. To be `#[inline(always)]`, with all that it calls in its loops.
    fn call(self) -> Self::Output;
}

struct Whole<W>(W);

impl<W: Vectorised> pulp::NullaryFnOnce for Whole<W> {
    type Output = W::Output;

    #[inline(always)]
    fn call(self) -> W::Output {
        self.0.call()
    }
}

/// Does work with the widest vector instructions of the machine.
pub fn vectorised<W: Vectorised>(work: W) -> W::Output {
    Arch::new().dispatch(Whole(work))
}
