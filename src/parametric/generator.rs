use super::batch::Batch;

/// A map x = G_θ(z) from latent variables to samples, with its derivatives with respect to θ at a batch of latent variables.
///
/// An implementor owns its memory: write the latent variables to [`Generator::latents`], call [`Generator::forward`], then any of the
/// others at the same θ. With B samples of d coordinates and n parameters, J is the (B·d)×n matrix of all ∂G/∂θ.
pub trait Generator: Send {
    /// The number n of parameters.
    fn parameters(&self) -> usize;

    /// The latent variables z, to be set before [`Generator::forward`].
    fn latents(&mut self) -> &mut Batch;

    /// Computes G_θ(z).
    fn forward(&mut self, parameters: &[f64]);

    /// G_θ(z) of the last [`Generator::forward`].
    fn samples(&self) -> &Batch;

    /// gradient ← gradient + Jᵀc (VJP).
    fn pull_back(&mut self, parameters: &[f64], cotangent: &Batch, gradient: &mut [f64]);

    /// first ← Jη (JVP), and second ← D²G(η, η), with 0 in the padding: both can serve as cotangents.
    fn push_forward(
        &mut self,
        parameters: &[f64],
        direction: &[f64],
        first: &mut Batch,
        second: &mut Batch,
    );

    /// J, transposed: row i holds ∂G/∂θᵢ of every sample, coordinate by coordinate, each coordinate a padded row of [`Batch`].
    fn jacobian(&mut self, parameters: &[f64], jacobian: &mut [f64]);

    /// JJᵀ, a square matrix over coordinates and padded samples in the order of [`Generator::jacobian`].
    fn gram(&mut self, parameters: &[f64], gram: &mut [f64]);
}
