//! Galerkin products PᵀAP (docs/mathematics.md, eq. 31), made slab by slab of the coarse lattice: along the slowest axis first, so that what is
//! between the axes is one slab.

use super::galerkin::{Term, Transfer};
use super::lattice::Lattice;
use super::number::Number;
use super::passes;
use super::stencil::{Stencil, WIDTH, middle_width};

/// Offsets along the slowest axis that are kept: 0, 1, 2.
const KEPT: usize = 3;

/// For each coarse node along an axis the terms of its entries.
struct Terms<'a>(std::borrow::Cow<'a, [Vec<Term>]>);

impl<'a> Terms<'a> {
    /// Of an axis that is halved, or one that stays as it is.
    fn new(transfer: &'a Transfer, fine: &Lattice, axis: usize) -> Self {
        let halved = transfer.halvings.iter().find(|it| it.axis == axis);
        Self(match halved {
            Some(halving) => halving.terms.as_slice().into(),
            None => {
                let offsets = match axis {
                    1 => middle_width(fine),
                    _ => WIDTH,
                };
                let term = |node, offset| Term {
                    node,
                    offset,
                    coarse: offset,
                    weight: 1.0,
                };
                let terms = |node| (0..offsets).map(|offset| term(node, offset)).collect();
                (0..fine.axes[axis].count).map(terms).collect()
            }
        })
    }
}

/// PᵀAP of the halvings of a transfer, all axes at once.
pub(super) fn product<N: Number>(
    transfer: &mut Transfer,
    fine: &Stencil<N>,
    coarse: &mut Stencil<N>,
) {
    let product = Product {
        fine,
        terms: [0, 1, 2].map(|axis| Terms::new(transfer, &fine.lattice, axis)),
        width: middle_width(&fine.lattice),
        run: coarse.run,
    };
    coarse.hold();
    let slab = coarse.slab();
    passes::chunks(coarse.rows_mut(), slab, |number, out| {
        product.slab(number, out);
    });
    coarse.scale = fine.scale;
    // P takes 1 to 1.
    transfer.restrict(&fine.excess, &mut coarse.excess);
    coarse.set_diagonal();
}

struct Product<'a, N> {
    fine: &'a Stencil<N>,
    terms: [Terms<'a>; 3],
    /// Offsets along the middle axis.
    width: usize,
    /// Numbers from one offset to the next of the coarse matrix.
    run: usize,
}

impl<N: Number> Product<'_, N> {
    /// Numbers between the axes: for each row of nodes the offsets of [`KEPT`] along the slowest axis and all along the others.
    fn between(&self) -> usize {
        KEPT * self.width * WIDTH * self.fine.lattice.axes[2].count
    }

    /// One slab of the coarse matrix.
    fn slab(&self, slab: usize, out: &mut [N]) {
        let length = self.between();
        let rows = self.fine.lattice.axes[1].count;
        let mut along_slow = vec![0.0; rows * length];
        for (row, to) in along_slow.chunks_mut(length).enumerate() {
            self.halve_slow(slab, row, to);
        }
        let mut along_middle = vec![0.0; length];
        let mut along_fast = vec![0.0; self.run * self.fine.kept];
        let out = out.chunks_mut(along_fast.len());
        for (terms, out) in self.terms[1].0.iter().zip(out) {
            along_middle.fill(0.0);
            self.halve_middle(terms, &along_slow, &mut along_middle);
            self.halve_fast(&along_middle, &mut along_fast);
            for (out, entry) in out.iter_mut().zip(&along_fast) {
                *out = N::down(*entry);
            }
        }
    }

    /// The entries of a row of fine nodes after the halving of the slowest axis.
    fn halve_slow(&self, slab: usize, row: usize, out: &mut [f64]) {
        let across = self.width * WIDTH;
        let fast = &self.fine.lattice.axes[2];
        for term in &self.terms[0].0[slab] {
            let Some(kept) = term.coarse.checked_sub(WIDTH / 2) else {
                continue;
            };
            let out = &mut out[kept * across * fast.count..][..across * fast.count];
            for (other, to) in out.chunks_mut(fast.count).enumerate() {
                let offset = term.offset * across + other;
                self.fine
                    .add_entries(term.weight, [term.node, row], offset, to);
            }
        }
    }

    /// The entries of a row of coarse nodes of the middle axis.
    fn halve_middle(&self, terms: &[Term], from: &[f64], out: &mut [f64]) {
        let long = self.fine.lattice.axes[2].count;
        let length = self.between();
        let runs = WIDTH * long;
        for term in terms {
            let from = &from[term.node * length..][..length];
            for kept in 0..KEPT {
                let run = |offset: usize| (kept * self.width + offset) * runs;
                let to = &mut out[run(term.coarse)..][..runs];
                for (to, from) in to.iter_mut().zip(&from[run(term.offset)..][..runs]) {
                    *to += term.weight * from;
                }
            }
        }
    }

    /// A row of the coarse matrix, without its diagonal.
    fn halve_fast(&self, from: &[f64], out: &mut [f64]) {
        let long = self.fine.lattice.axes[2].count;
        out.fill(0.0);
        let centre = self.fine.offsets / 2;
        let before = WIDTH / 2 * self.width * WIDTH;
        for across in centre / WIDTH..WIDTH * self.width {
            let first = across * WIDTH;
            let from = &from[(first - before) * long..][..WIDTH * long];
            for (x, terms) in self.terms[2].0.iter().enumerate() {
                for term in terms {
                    if let Some(kept) = (first + term.coarse).checked_sub(centre + 1) {
                        out[kept * self.run + x] +=
                            term.weight * from[term.offset * long + term.node];
                    }
                }
            }
        }
    }
}
