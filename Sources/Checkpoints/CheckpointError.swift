import Foundation
import Runtime

/// Why a checkpoint cannot be written, read or used.
public enum CheckpointError: Error, Equatable, CustomStringConvertible {
    /// A system call failed.
    case system(SystemError)
    /// A file is not what the manifest or the format says it is.
    case damaged(file: String, problem: String)
    /// There is no such checkpoint.
    case absent(path: FilePath)
    /// There is no checkpoint of this step, or none that is whole; there are those of other steps.
    case noStep(path: FilePath, step: UInt64, there: [UInt64])
    /// A whole checkpoint has this name already.
    case exists(path: FilePath)
    /// The folder of an earlier try is still being removed.
    case busy(path: FilePath)
    /// The checkpoint is whole, but of another model or method than the state that it should fill.
    case differs(checkpoint: String, problem: String)
    /// Weights have a NaN or an infinity: nothing can be computed with them.
    case notFinite(checkpoint: String, tensor: String, problem: String)

    /// Whether there is no room for the file: earlier checkpoints are whole, training can go on and
    /// save later.
    public var isFullDisk: Bool {
        guard case .system(let error) = self else { return false }
        return error.remedyForRoom != nil
    }

    /// The sentence for people.
    public var description: String {
        switch self {
        case .system(let error):
            error.description
                + (error.remedyForRoom.map {
                    "; earlier checkpoints are untouched, \($0) for the next"
                }
                    ?? "")
        case .damaged(let file, let problem):
            "\(file) is damaged: \(problem)"
        case .absent(let path):
            "\(path): there is no whole checkpoint"
        case .noStep(let path, let step, let there):
            "\(path): there is no whole checkpoint of step \(step)"
                + (there.isEmpty
                    ? ""
                    : "; choose among those of the steps \(there.map(String.init).joined(separator: ", "))")
        case .exists(let path):
            "\(path): this state is saved already"
        case .busy(let path):
            "\(path): what an earlier try left is still being removed; the disk is slow, and the state is saved at the "
                + "next checkpoint"
        case .differs(let checkpoint, let problem):
            "\(checkpoint): \(problem)"
        case .notFinite(let checkpoint, let tensor, let problem):
            "\(checkpoint): tensor '\(tensor)' cannot be used: \(problem); take an earlier checkpoint, from before "
                + "training diverged (--step), or begin again with sound weights"
        }
    }
}

/// Runs system calls under the error of checkpoints.
func asCheckpointError<Result: ~Copyable>(
    _ body: () throws(SystemError) -> Result
) throws(CheckpointError) -> Result {
    do throws(SystemError) {
        return try body()
    } catch {
        throw .system(error)
    }
}
