import Configurations
import Runtime

/// Why a run directory cannot be used.
public enum RunError: Error, Equatable, CustomStringConvertible {
    /// A system call failed.
    case system(SystemError)
    /// There is no run in the directory.
    case absent(path: FilePath)
    /// A new run wants an empty directory.
    case occupied(path: FilePath)
    /// Another process works on the run.
    case inUse(path: FilePath, holder: String?)
    /// A file of the directory is not what it should be.
    case damaged(file: FilePath, problem: String)
    /// The run in the directory has another configuration or data set.
    case differs(path: FilePath, differences: [String])
    /// The configuration that was written down is not valid in this version.
    case configuration(ConfigurationError)

    /// Whether a file could not grow, and nothing worse.
    public var isWantOfRoom: Bool {
        guard case .system(let error) = self else { return false }
        return error.remedyForRoom != nil
    }

    /// The sentence for people.
    public var description: String {
        switch self {
        case .system(let error):
            error.description + (error.remedyForRoom.map { "; \($0)" } ?? "")
        case .absent(let path):
            "\(path): no run here (there is no configuration.json); check the path"
        case .occupied(let path):
            "\(path): not empty; a fresh run wants an empty or new directory"
        case .inUse(let path, let holder):
            "\(path): another process works on this run"
                + (holder.map { " (\($0))" } ?? "") + "; wait for it or end it"
        case .damaged(let file, let problem):
            "\(file): \(problem)"
        case .differs(let path, let differences):
            "\(path): the run here is another one: \(differences.joined(separator: "; ")); "
                + "choose another directory, or give the run's own settings"
        case .configuration(let error):
            error.description
        }
    }
}

/// Runs system calls under the error of this room.
func asRunError<Result: ~Copyable>(
    _ body: () throws(SystemError) -> Result
) throws(RunError) -> Result {
    do throws(SystemError) {
        return try body()
    } catch {
        throw .system(error)
    }
}
