//! One axis of a level and its step to the next coarser one.

/// Positions of the cells along one axis of a level.
#[derive(Clone, Debug)]
pub(super) struct Spacing {
    centres: Vec<f64>,
    widths: Vec<f64>,
}

impl Spacing {
    pub(super) fn uniform(cells: usize, width: f64) -> Self {
        Self {
            centres: (0..cells).map(|i| (i as f64 + 0.5) * width).collect(),
            widths: vec![width; cells],
        }
    }

    pub(super) fn cells(&self) -> usize {
        self.centres.len()
    }

    pub(super) fn length(&self) -> f64 {
        self.widths.iter().sum()
    }

    /// Typical strength 1/h² of the couplings.
    pub(super) fn strength(&self) -> f64 {
        let width = self.length() / self.cells() as f64;
        1.0 / (width * width)
    }

    /// From the centre of a cell to the next one, around the ring.
    pub(super) fn distance(&self, cell: usize) -> f64 {
        match cell + 1 {
            next if next < self.cells() => self.centres[next] - self.centres[cell],
            _ => self.centres[0] + self.length() - self.centres[cell],
        }
    }

    pub(super) fn merged(&self) -> Self {
        let widths: Vec<f64> = self
            .widths
            .chunks(2)
            .map(|pair| pair.iter().sum())
            .collect();
        let mut start = 0.0;
        let centres = widths
            .iter()
            .map(|width| {
                start += width;
                start - 0.5 * width
            })
            .collect();
        Self { centres, widths }
    }

    /// Interpolation weight of the coarse cell beyond the nearer end of each fine cell's own coarse cell.
    pub(super) fn weights(&self, coarse: &Self) -> Vec<f64> {
        (0..self.cells())
            .map(|fine| {
                let own = fine / 2;
                let offset = (self.centres[fine] - coarse.centres[own]).abs();
                let face = if fine.is_multiple_of(2) {
                    (own + coarse.cells() - 1) % coarse.cells()
                } else {
                    own
                };
                if coarse.cells() == 1 {
                    0.0
                } else {
                    offset / coarse.distance(face)
                }
            })
            .collect()
    }
}

/// How one axis goes down a level.
#[derive(Clone, Debug)]
pub(super) struct AxisMap {
    pub(super) merged: bool,
    pub(super) fine: usize,
    pub(super) coarse: usize,
    pub(super) weights: Vec<f64>,
}

impl AxisMap {
    #[inline(always)]
    pub(super) fn own(&self, fine: usize) -> usize {
        if self.merged { fine / 2 } else { fine }
    }

    /// The coarse cell beyond the nearer end.
    #[inline(always)]
    pub(super) fn other(&self, fine: usize) -> usize {
        let own = self.own(fine);
        if !self.merged {
            own
        } else if fine.is_multiple_of(2) {
            if own == 0 { self.coarse - 1 } else { own - 1 }
        } else if own + 1 == self.coarse {
            0
        } else {
            own + 1
        }
    }

    /// The fine cell whose face towards its next cell leads to the other coarse cell.
    #[inline(always)]
    pub(super) fn face(&self, fine: usize) -> usize {
        if fine % 2 == 1 {
            fine
        } else if fine == 0 {
            self.fine - 1
        } else {
            fine - 1
        }
    }

    /// The nearest fine cell of the other coarse cell.
    #[inline(always)]
    pub(super) fn beyond(&self, fine: usize) -> usize {
        if fine.is_multiple_of(2) {
            self.face(fine)
        } else if fine + 1 == self.fine {
            0
        } else {
            fine + 1
        }
    }

    /// The fine cells of a coarse one.
    #[inline(always)]
    pub(super) fn children(&self, coarse: usize) -> std::ops::Range<usize> {
        if self.merged {
            2 * coarse..(2 * coarse + 2).min(self.fine)
        } else {
            coarse..coarse + 1
        }
    }

    /// The fine cells of other coarse cells that look towards this one: the last before its children and the first after them.
    #[inline(always)]
    pub(super) fn guests(&self, coarse: usize) -> impl Iterator<Item = usize> {
        let children = self.children(coarse);
        let before = if children.start == 0 {
            self.fine - 1
        } else {
            children.start - 1
        };
        let after = if children.end == self.fine {
            0
        } else {
            children.end
        };
        let sought = self.merged && self.coarse > 1;
        [before, after]
            .into_iter()
            .enumerate()
            // The last cell of an odd axis stands alone in its coarse cell and looks nowhere.
            .filter(move |&(side, cell)| sought && (cell % 2 == 1) == (side == 0))
            .map(|(_, cell)| cell)
    }
}
