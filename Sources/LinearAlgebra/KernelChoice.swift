import COpenBLAS
import Glibc

extension MatrixProduct {
    /// Kernel sets that OpenBLAS falls back to on a processor that it does not know: several times slower than what a newer
    /// processor can do.
    private static let fallbackKernels = ["generic", "prescott", "core2", "atom"]

    /// The kernel set of runs whose bits are to be the same on every processor with AVX2.
    public static let portableKernel = "Haswell"

    private static let choice = "OPENBLAS_CORETYPE"

    /// Whether OpenBLAS does not know this processor.
    public static var fellBack: Bool { fallbackKernels.contains(kernelName.lowercased()) }

    /// Starts the program again with a kernel set that suits the processor, where OpenBLAS does not know it and nobody has
    /// chosen one; children inherit it.
    ///
    /// OpenBLAS chooses while it is loaded, and a version knows no processor that is newer than itself. The package is
    /// compiled for the instructions of Haswell, so those are there. Call first in `main`. Where starting again fails the
    /// program goes on with what there is, which `purkinje doctor` warns of.
    public static func restartWithFittingKernel() {
        #if arch(x86_64)
            guard fellBack, getenv(choice) == nil else { return }
            restart(withKernel: has_skylakex_instructions() != 0 ? "SkylakeX" : portableKernel)
            unsetenv(choice)
        #endif
    }

    /// Starts the program again with a kernel set, unless it is in use or was tried in vain.
    ///
    /// Call before anything was done that must not be done twice.
    ///
    /// - Parameter name: As `kernelName` gives it.
    /// - Returns: Whether the set is in use.
    @discardableResult
    public static func restart(withKernel name: String) -> Bool {
        if kernelName.lowercased() == name.lowercased() { return true }
        if let tried = getenv(choice), String(cString: tried) == name { return false }
        setenv(choice, name, 1)
        execv("/proc/self/exe", CommandLine.unsafeArgv)
        return false
    }
}
