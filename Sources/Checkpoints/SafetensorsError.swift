import Runtime

/// Why a safetensors file cannot be read or written: which file, which field, and what is wrong
/// with it.
public enum SafetensorsError: Error, Equatable, CustomStringConvertible {
    /// A system call failed.
    case system(SystemError)
    /// The header contradicts the format, the file, or itself.
    case malformed(file: String, field: String, problem: String)
    /// The file has no tensor of this name.
    case absent(file: String, tensor: String)
    /// The tensor is there, but another one than was asked for.
    case differs(
        file: String, tensor: String, found: String, expected: String, remedy: String? = nil)
    /// Weights have a NaN or an infinity, which would make every result one.
    case notFinite(file: String, tensor: String, problem: String)

    /// The sentence for people.
    public var description: String {
        switch self {
        case .system(let error):
            error.description + (error.remedyForRoom.map { "; \($0)" } ?? "")
        case .malformed(let file, let field, let problem):
            "\(file): \(field): \(problem)"
        case .absent(let file, let tensor):
            "\(file): there is no tensor '\(tensor)'"
        case .differs(let file, let tensor, let found, let expected, let remedy):
            "\(file): tensor '\(tensor)' is \(found), expected \(expected)"
                + (remedy.map { "; \($0)" } ?? "")
        case .notFinite(let file, let tensor, let problem):
            "\(file): tensor '\(tensor)' cannot be used as weights: \(problem); "
                + "take weights from before training diverged, or look at what wrote the file"
        }
    }
}
