import Configurations
import Runtime
import Training

extension Configuration {
    /// The same, where the file that the configuration was read from can be read again: a pipe cannot, which ends in the same
    /// refusal.
    func pinMatrixKernel(readFrom path: FilePath) {
        if (try? SystemFiles().kind(of: path)) == .regular { pinMatrixKernel() }
    }
}
