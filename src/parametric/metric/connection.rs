use super::super::batch::Batch;
use super::super::generator::Generator;
use super::super::kernels::add_scaled;
use super::gradients::Gradients;

/// Scratch of the connection term; made on first use.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    /// u = ∂_ηG.
    first: Batch,
    /// D²G(η, η), then what φ_t is tested with.
    second: Batch,
    /// ∇φ.
    slope: Batch,
    /// φ and φ_t by their coefficients.
    potential: Vec<f64>,
    change: Vec<f64>,
}

impl Connection {
    pub(super) fn new(samples: &Batch) -> Self {
        Self {
            first: samples.clone(),
            second: samples.clone(),
            slope: samples.clone(),
            potential: Vec::new(),
            change: Vec::new(),
        }
    }

    /// field ← D²G(η, η): for G̃ the geodesics of the samples.
    pub(super) fn of_samples(
        &mut self,
        generator: &mut dyn Generator,
        parameters: &[f64],
        velocity: &[f64],
        field: &mut Batch,
    ) {
        generator.push_forward(parameters, velocity, &mut self.first, field);
    }

    /// field ← ∇(φ_t + ½|∇φ|²), after [`Gradients::prepare`] with Hessians (docs/parameters.md, eq. P19).
    ///
    /// The weak equation of φ, E[∇ψ·∇φ] = E[∇ψ·u], derived in time as the samples move by u gives that of φ_t: for every ψ
    /// E[∇ψ·∇φ_t] = E[∇ψ·(D²G(η, η) − ∇²φ u) + (u − ∇φ)·∇²ψ u].
    pub(super) fn of_densities(
        &mut self,
        gradients: &Gradients,
        generator: &mut dyn Generator,
        parameters: &[f64],
        velocity: &[f64],
        field: &mut Batch,
    ) {
        let (table, size) = (gradients.table(), gradients.size());
        generator.push_forward(parameters, velocity, &mut self.first, &mut self.second);
        for coefficients in [&mut self.potential, &mut self.change] {
            coefficients.resize(size, 0.0);
            coefficients.fill(0.0);
        }
        table.add_weak(self.first.values(), &mut self.potential);
        gradients.solve(&mut self.potential);
        self.slope.values_mut().fill(0.0);
        table.add_gradient(&self.potential, self.slope.values_mut());
        // What stands in the field is (u − ∇φ) for now.
        field.values_mut().copy_from_slice(self.first.values());
        add_scaled(-1.0, self.slope.values(), field.values_mut());
        table.add_weak_of_slopes(field.values(), self.first.values(), &mut self.change);
        table.add_curved(
            &self.potential,
            -1.0,
            self.first.values(),
            self.second.values_mut(),
        );
        table.add_weak(self.second.values(), &mut self.change);
        gradients.solve(&mut self.change);
        field.values_mut().fill(0.0);
        table.add_gradient(&self.change, field.values_mut());
        table.add_curved(
            &self.potential,
            1.0,
            self.slope.values(),
            field.values_mut(),
        );
    }
}
