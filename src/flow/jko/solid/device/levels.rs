//! The lattices of the multigrid in the memory of a GPU.

use bytemuck::{Pod, Zeroable};

use crate::backend::gpu::{GpuError, Kernel, Kernels, Memory, Program, Values, WORKGROUP};
use crate::elliptic::device::{Fields, Level, Passes};
use crate::flow::jko::solid::galerkin::Transfer;
use crate::flow::jko::solid::lattice::Lattice;
use crate::flow::jko::solid::stencil::{entries, run_of};

/// `Level` of the shader.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub(super) struct Constants {
    fine: [u32; 3],
    periodic: u32,
    coarse: [u32; 3],
    damping: f32,
    run: u32,
    reach: u32,
    unused: [u32; 2],
}

/// Axes of a lattice in the order of the shader, x first.
pub(super) const AXES: [usize; 3] = [2, 1, 0];

/// For every node along an axis the nodes that it has to do with, and their weights.
type Taps = Vec<Vec<(usize, f64)>>;

/// Nodes along x, y, z.
pub(super) fn counts(lattice: &Lattice) -> [u32; 3] {
    AXES.map(|axis| lattice.axes[axis].count as u32)
}

impl Constants {
    fn new(lattice: &Lattice, transfer: &Transfer, reach: usize) -> Self {
        let coarse = transfer.coarse();
        let bits = AXES.iter().enumerate();
        Self {
            fine: counts(lattice),
            periodic: bits
                .map(|(bit, axis)| u32::from(lattice.axes[*axis].periodic) << bit)
                .sum(),
            coarse: coarse.as_ref().map_or(counts(lattice), counts),
            damping: 1.0,
            run: run_of(lattice) as u32,
            reach: reach as u32,
            unused: [0; 2],
        }
    }
}

/// The entry points of the operator.
#[derive(Clone, Debug)]
pub(super) struct Transfers {
    restrict: Kernel,
    prolong_correction: Kernel,
    eliminate: Kernel,
}

impl Transfers {
    pub fn new(kernels: &Kernels) -> Result<Self, GpuError> {
        Ok(Self {
            restrict: kernels.kernel("restrict_field")?,
            prolong_correction: kernels.kernel("prolong_correction")?,
            eliminate: kernels.kernel("eliminate")?,
        })
    }
}

/// One lattice.
#[derive(Clone, Debug)]
pub(super) struct NodeLevel {
    constants: Constants,
    pub fields: Fields,
    taps: Values,
    /// The dense factor of the inverse, on the last level.
    pub factor: Option<Values>,
    transfers: Transfers,
}

/// What nodes along each axis take from those of the coarser lattice, and give to them.
fn taps(lattice: &Lattice, transfer: &Transfer) -> [[Taps; 3]; 2] {
    let along = |axis: usize| {
        let halved = transfer.halvings.iter().find(|it| it.axis == axis);
        match halved {
            Some(halving) => {
                let down = halving.down.iter().map(|taps| taps.to_vec()).collect();
                [down, halving.up.clone()]
            }
            None => {
                let same: Taps = (0..lattice.axes[axis].count)
                    .map(|node| vec![(node, 1.0)])
                    .collect();
                [same.clone(), same]
            }
        }
    };
    let [x, y, z] = AXES.map(along);
    let [[down_x, up_x], [down_y, up_y], [down_z, up_z]] = [x, y, z];
    [[down_x, down_y, down_z], [up_x, up_y, up_z]]
}

/// Pairs of a node and its weight, so many for each node, with weights of 0 where there are fewer.
fn pairs(taps: &[Taps; 3], count: usize) -> impl Iterator<Item = f32> {
    taps.iter().flatten().flat_map(move |taps| {
        let padding = std::iter::repeat((0, 0.0));
        let taps = taps.iter().copied().chain(padding).take(count);
        taps.flat_map(|(node, weight)| [node as f32, weight as f32])
    })
}

impl NodeLevel {
    pub fn new(
        memory: &Memory,
        transfers: &Transfers,
        lattice: &Lattice,
        transfer: &Transfer,
    ) -> Result<Self, GpuError> {
        let nodes = lattice.len();
        let [down, up] = taps(lattice, transfer);
        let reach = up.iter().flatten().map(Vec::len).fold(1, usize::max);
        let taps: Vec<f32> = pairs(&down, 2).chain(pairs(&up, reach)).collect();
        let last = transfer.coarse().is_none();
        let couplings = memory.zeros(entries(lattice))?;
        Ok(Self {
            constants: Constants::new(lattice, transfer, reach),
            fields: Fields::new(memory, nodes, couplings)?,
            taps: memory.values(&taps)?,
            factor: last.then(|| memory.zeros(nodes * nodes)).transpose()?,
            transfers: transfers.clone(),
        })
    }

    /// Adds Pᵀ of a field into one of the next level.
    ///
    /// # Errors
    ///
    /// A failure of the device.
    pub fn add_restriction(
        &self,
        fine: &Values,
        to: &Values,
        coarse: &Self,
        program: &mut Program,
    ) -> Result<(), GpuError> {
        let operands = [(5, fine), (6, to), (7, &self.taps)];
        let groups = coarse.fields.cells.div_ceil(WORKGROUP);
        program.add(&self.transfers.restrict, &self.constants, &operands, groups)
    }
}

impl Level for NodeLevel {
    type Constants = Constants;

    fn fields(&self) -> &Fields {
        &self.fields
    }

    fn constants(&self, damping: f64) -> Constants {
        Constants {
            damping: damping as f32,
            ..self.constants
        }
    }

    fn restrict(
        &self,
        residual: &Values,
        coarse: &Self,
        program: &mut Program,
    ) -> Result<(), GpuError> {
        self.add_restriction(residual, &coarse.fields.right, coarse, program)
    }

    fn prolong(
        &self,
        correction: &Values,
        x: &Values,
        program: &mut Program,
    ) -> Result<(), GpuError> {
        let operands = [(5, correction), (6, x), (7, &self.taps)];
        let groups = self.fields.cells.div_ceil(WORKGROUP);
        let kernel = &self.transfers.prolong_correction;
        program.add(kernel, &self.constants, &operands, groups)
    }

    fn eliminate(&self, _: &Passes, x: &Values, program: &mut Program) -> Result<(), GpuError> {
        let Some(factor) = &self.factor else {
            return Ok(());
        };
        let operands = [(1, factor), (4, &self.fields.right), (6, x)];
        program.add(&self.transfers.eliminate, &self.constants, &operands, 1)
    }
}
