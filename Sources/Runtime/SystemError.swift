import Foundation

/// A system call that failed, with what it was asked to work on.
public struct SystemError: Error, Equatable, CustomStringConvertible {
    /// The call's name, such as `open`.
    public let call: String
    /// The path, address or thread that it was about.
    public let subject: String
    /// The value of `errno`.
    public let code: Int32

    /// An error for a call that has just failed.
    public init(call: String, subject: String, code: Int32 = errno) {
        self.call = call
        self.subject = subject
        self.code = code
    }

    /// An error for a call on a file that has just failed.
    public init(call: String, subject: FilePath, code: Int32 = errno) {
        self.init(call: call, subject: subject.text, code: code)
    }

    /// An error for a folder, a pipe or a device where a regular file is needed.
    public static func notRegular(_ path: FilePath) -> SystemError {
        SystemError(call: regularFile, subject: path, code: EINVAL)
    }

    /// An error for a pipe through which nothing comes.
    static func silent(_ pipe: FilePath) -> SystemError {
        SystemError(call: silentPipe, subject: pipe, code: ETIMEDOUT)
    }

    private static let regularFile = "regular file"
    private static let silentPipe = "wait for a writer"

    /// Why it failed, without the name of what it was about.
    public var reason: String {
        switch call {
        case Self.regularFile: "it is not a regular file; move it away, or name another one"
        case Self.silentPipe:
            "it is a pipe, and nobody writes to it; name a regular file, or start the writer first"
        default: String(cString: strerror(code))
        }
    }

    /// What failed, on what, and why.
    public var description: String {
        "\(subject): \(reason)"
            + ([Self.regularFile, Self.silentPipe].contains(call) ? "" : " (\(call))")
            + (isWantOfThreads
                ? "; give fewer --threads, or raise the limits on processes (ulimit -u, pids.max of the container)"
                : "")
    }

    /// Whether the system has no thread left to give.
    private var isWantOfThreads: Bool { call == "pthread_create" && code == EAGAIN }

    /// What makes room where a file could not grow for want of it; `nil` for other errors.
    ///
    /// So it is with a full disk, a full quota and a limit on the size of files: work can go on and write later.
    public var remedyForRoom: String? {
        switch code {
        case ENOSPC: "make room there"
        case EDQUOT: "make room there, or have the quota raised"
        case EFBIG: "raise the limit on the size of files (ulimit -f)"
        default: nil
        }
    }
}

/// Repeats a system call that a signal interrupted.
///
/// - Returns: The call's result, which is negative only for other reasons than `EINTR`.
@discardableResult
@inlinable
public func retryingInterrupts(_ call: () -> Int) -> Int {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}
