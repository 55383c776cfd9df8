//! Where mass arrives: at the centres of the cells, and where the map draws a cell out over several lattice cells, at further places in it.

use super::feet::Foot;
use super::lattice::{Centres, Lattice, Point};
use super::pack::{PLACES, Pack, transposed};

/// A cell is divided along an axis if its half of the way to the foot of a neighbour is longer than this many lattice cells.
const DRAWN_OUT: f64 = 0.5;
/// Places of a divided cell along an axis in each lattice cell of that half, and at most.
const DENSITY: f64 = 2.0;
const MOST: usize = 65;
/// Places in all, relative to the number of cells: what is beyond is not worth it.
const LARGEST_SHARE: usize = 4;

/// A cell of several places: its centre, whose number is that of the cell, and the further ones.
#[derive(Clone, Debug)]
pub(super) struct Divided {
    pub cell: usize,
    /// The numbers of the further places.
    pub further: std::ops::Range<usize>,
    /// π V of the cell.
    pub target: f64,
}

/// All places that mass may arrive at.
#[derive(Clone, Debug)]
pub(super) struct Points {
    centres: Centres,
    further: Vec<Point>,
    pub divided: Vec<Divided>,
}

impl Points {
    pub fn new(centres: Centres) -> Self {
        Self {
            centres,
            further: Vec::new(),
            divided: Vec::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.centres.len() + self.further.len()
    }

    #[inline(always)]
    pub fn place(&self, number: usize) -> Point {
        match number.checked_sub(self.centres.len()) {
            None => self.centres.place(number),
            Some(further) => self.further[further],
        }
    }

    /// The places that are no centres.
    pub fn beyond_centres(&self) -> &[Point] {
        &self.further
    }

    /// The numbers of the further places of a cell.
    pub fn further(&self, cell: usize) -> std::ops::Range<usize> {
        let found = self.divided.binary_search_by_key(&cell, |it| it.cell);
        found.map_or(0..0, |number| self.divided[number].further.clone())
    }

    /// Several places from one on, the last one repeated where there are fewer.
    #[inline(always)]
    pub fn pack(&self, first: usize, count: usize) -> [Pack; 3] {
        if first + PLACES <= self.centres.len() {
            self.centres.pack(first, count)
        } else {
            transposed(count, |lane| self.place(first + lane))
        }
    }

    /// Only the centres; gives their cells' targets back.
    pub fn join(&mut self, target: &mut Vec<f64>) {
        for divided in self.divided.drain(..) {
            target[divided.cell] = divided.target;
        }
        self.further.clear();
        target.truncate(self.centres.len());
    }

    /// Divides the cells that are drawn out, by the feet of the centres, over nodes that are `wanted`; adds a target and a first guess of
    /// the foot for each further place. Whether there are any. Nothing may be divided before.
    pub fn divide(
        &mut self,
        lattice: &Lattice,
        wanted: impl Fn(usize) -> bool,
        target: &mut Vec<f64>,
        feet: &mut Vec<Foot>,
    ) -> bool {
        let cells = self.centres.len();
        if !(0..lattice.len()).any(&wanted) {
            return false;
        }
        for cell in 0..cells {
            let ways = self.ways(lattice, feet, cell);
            let counts = [0, 1, 2].map(|axis| {
                let along = &lattice.axes[axis];
                let longest = ways[axis]
                    .iter()
                    .flat_map(|way| way.iter().zip(&lattice.axes))
                    .filter(|(_, axis)| !axis.missing)
                    .map(|(way, axis)| 0.5 * way.abs() / axis.spacing)
                    .fold(0.0, f64::max);
                if along.missing || longest <= DRAWN_OUT {
                    1
                } else {
                    let half = (longest * DENSITY).min(MOST as f64) as usize;
                    (2 * half + 1).min(MOST)
                }
            });
            let count: usize = counts.iter().product();
            if count == 1 {
                continue;
            }
            let begin = cells + self.further.len();
            if begin + count > LARGEST_SHARE * cells {
                break;
            }
            let before = self.further.len();
            let mut helps = false;
            let whole = target[cell];
            let centre = self.centres.place(cell);
            let share = whole / count as f64;
            for number in 0..count {
                let (row, fast) = (number / counts[2], number % counts[2]);
                let index = [row / counts[1], row % counts[1], fast];
                let offset =
                    [0, 1, 2].map(|axis| (index[axis] as f64 + 0.5) / counts[axis] as f64 - 0.5);
                if 2 * number + 1 == count {
                    continue;
                }
                let spacing = self.centres.spacing();
                let place = [0, 1, 2].map(|axis| centre[axis] + offset[axis] * spacing[axis]);
                let mut foot = feet[cell];
                for axis in 0..3 {
                    let way = ways[axis][usize::from(offset[axis] > 0.0)];
                    for (place, way) in foot.place.iter_mut().zip(way) {
                        *place += offset[axis].abs() * way;
                    }
                }
                helps |= touches(lattice, &foot.place, &wanted);
                self.further.push(place);
                target.push(share);
                feet.push(foot);
            }
            if !helps {
                self.further.truncate(before);
                target.truncate(begin);
                feet.truncate(begin);
                continue;
            }
            target[cell] = share;
            self.divided.push(Divided {
                cell,
                further: begin..cells + self.further.len(),
                target: whole,
            });
        }
        !self.divided.is_empty()
    }

    /// The ways from the foot of a cell to those of its neighbours, before and after along each axis. At a closed side the neighbour is its
    /// mirror image.
    fn ways(&self, lattice: &Lattice, feet: &[Foot], cell: usize) -> [[Point; 2]; 3] {
        let counts = self.centres.counts();
        let index = self.centres.index(cell);
        let own = feet[cell].place;
        let mut ways = [[[0.0; 3]; 2]; 3];
        for axis in 0..3 {
            let along = &lattice.axes[axis];
            if along.missing {
                continue;
            }
            let (count, length) = (counts[axis], along.length());
            for (side, way) in ways[axis].iter_mut().enumerate() {
                let end = if side == 0 { 0 } else { count - 1 };
                let outer = index[axis] == end;
                if outer && !along.periodic {
                    let wall = side as f64 * length;
                    way[axis] = 2.0 * (wall - own[axis]);
                    continue;
                }
                let mut beside = index;
                beside[axis] = match (side, outer) {
                    (0, false) => index[axis] - 1,
                    (0, true) => count - 1,
                    (_, false) => index[axis] + 1,
                    (_, true) => 0,
                };
                let other = feet[self.centres.number(beside)].place;
                *way = [0, 1, 2].map(|axis| {
                    let difference = other[axis] - own[axis];
                    let along = &lattice.axes[axis];
                    if along.periodic {
                        // The shorter way around.
                        difference - along.length() * (difference / along.length()).round()
                    } else {
                        difference
                    }
                });
            }
        }
        ways
    }
}

/// Whether a spline that does not vanish at a place is that of a node that is `wanted`.
fn touches(lattice: &Lattice, place: &Point, wanted: impl Fn(usize) -> bool) -> bool {
    let own = lattice.node(lattice.cell(place));
    let nodes = [0, 1, 2].map(|axis| {
        let along = &lattice.axes[axis];
        let beside = along.beside();
        beside.map(move |node| along.fold(own[axis] as isize + node as isize - 1))
    });
    let [slow, middle, fast] = nodes;
    slow.clone().any(|z| {
        middle
            .clone()
            .any(|y| fast.clone().any(|x| wanted(lattice.number([z, y, x]))))
    })
}
