import Configurations
import LinearAlgebra

extension Configuration {
    /// Starts the program again where the run asks for portable bits and other kernels are in use; one that cannot have them
    /// goes on, and is refused by name before the first step.
    public func pinMatrixKernel() {
        guard matrixKernel == .portable else { return }
        MatrixProduct.restart(withKernel: MatrixProduct.portableKernel)
    }
}
