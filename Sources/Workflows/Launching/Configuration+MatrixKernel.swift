import Configurations
import LinearAlgebra
import Runtime

extension Configuration {
    /// Starts the program again where the run asks for portable bits and other kernels are in use; one that cannot have them
    /// goes on, and is refused by name before the first step.
    ///
    /// - Parameter path: The file that it was read from; one that cannot be read again is let be, which ends in the same
    ///   refusal.
    func pinMatrixKernel(readFrom path: FilePath? = nil) {
        guard matrixKernel == .portable else { return }
        if let path, (try? SystemFiles().kind(of: path)) != .regular { return }
        MatrixProduct.restart(withKernel: MatrixProduct.portableKernel)
    }
}
